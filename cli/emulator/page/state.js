// The state of the page. It is made only of the feed's entries, so a page that reads the feed again has the same
// state. This file changes no elements. The progress of a turn is in turns.js.

import { STEPS, calls, parsed, spend, turn, turnOfCall } from "./turns.js";

export { parsed };

/** The fault setting of an emulated server that behaves. */
export const BEHAVES = { fault: "", once: false, since: 0 };

/** Returns the state before the first entry. */
export function nothing() {
  return {
    hello: {},
    pipeline: { state: "starting" },
    depth: {},
    letters: [],
    kills: 0,
    users: new Map(),
    chats: new Map(),
    turns: new Map(),
    others: [],
    replay: null,
    knobs: { think: 0, model: BEHAVES, line: BEHAVES, contents: "", quota: false },
    exchanges: new Map(),
    seconds: new Map(),
  };
}

const CHAT = (id, fields) => ({
  id,
  name: "",
  members: [id],
  isGroup: false,
  bot: true,
  items: [],
  loadingUntil: 0,
  ...fields,
});

/** Returns the chats of a person, the private one first. */
export function chatsOf(state, user) {
  const all = [...state.chats.values()];
  return [state.chats.get(user), ...all.filter((chat) => chat.isGroup && chat.members.includes(user))];
}

/** Finds a message of a person by its place, with its chat. */
function sent(state, n) {
  for (const chat of state.chats.values()) {
    const item = chat.items.find((item) => item.n === n && item.by === "user");
    if (item) return { chat, item };
  }
  return {};
}

/** Adds one entry to the state. Returns the parts that changed and must be drawn. */
export function take(state, entry) {
  return HANDLERS[entry.kind]?.(state, entry) ?? {};
}

const HANDLERS = {
  hello(state, e) {
    state.hello = e;
    state.knobs.think = e.think_ms;
    return { all: true };
  },
  user(state, e) {
    state.users.set(e.user, { id: e.user, name: e.name, language: e.language, follows: true });
    state.chats.set(e.user, CHAT(e.user, { name: "Henji" }));
    return { users: true };
  },
  group(state, e) {
    const chat = state.chats.get(e.chat) ?? CHAT(e.chat, { isGroup: true });
    Object.assign(chat, { name: e.name, members: e.members, bot: e.bot });
    state.chats.set(e.chat, chat);
    if (e.what !== "made") chat.items.push({ by: "line", at: e.at, type: e.what, user: e.user });
    return { users: true };
  },
  said(state, e) {
    const {
      type = "message",
      text = "",
      id,
      stickerId,
      quotedMessageId,
      quoteToken,
      title,
      address,
      fileName,
      imageSet,
    } = e.message ?? {};
    const chat = state.chats.get(e.chat);
    const words = { type, text, stickerId, place: title || address, file: fileName, set: imageSet };
    if (e.heard) turn(state, e.event, { ...words, at: e.at, user: e.user, chat: e.chat, n: e.n, message: id });
    const quoted = chat?.items.find((item) => item.id === quotedMessageId && item.id);
    chat?.items.push({
      by: "user",
      user: e.user,
      at: e.at,
      n: e.n,
      ...words,
      id,
      quoted,
      quotable: Boolean(quoteToken),
      event: e.event,
      read: false,
    });
    return { chat: e.chat, turn: e.heard && e.event };
  },
  edited(state, e) {
    const { chat, item } = sent(state, e.n);
    if (item) Object.assign(item, { text: e.text, edited: true });
    if (chat?.bot)
      turn(state, e.event, { at: e.at, user: item.user, chat: e.chat, type: "edited", text: e.text, message: item.id });
    return { chat: e.chat, turn: chat?.bot && e.event };
  },
  unsent(state, e) {
    const { item } = sent(state, e.n);
    if (item) item.unsent = true;
    return { chat: e.chat };
  },
  follows(state, e) {
    const user = state.users.get(e.user);
    if (!user) return {};
    user.follows = e.follows;
    state.chats
      .get(e.user)
      .items.push({ by: "line", at: e.at, type: e.follows ? "unblocked" : "blocked", user: e.user });
    return { chat: e.user };
  },
  past(state, e) {
    state.chats.get(e.chat)?.items.push({ by: "line", at: e.at, type: "remembers", user: e.chat, count: e.messages });
    return { chat: e.chat };
  },
  loading(state, e) {
    const chat = state.chats.get(e.user);
    if (chat) chat.loadingUntil = e.at + e.seconds * 1000;
    return { chat: e.user };
  },
  answer(state, e) {
    const chat = state.chats.get(e.chat);
    if (!chat) return {};
    chat.loadingUntil = 0;
    const quoted = ({ quotes }) => chat.items.find((item) => quotes && item.id === quotes);
    for (const message of e.messages ?? [])
      chat.items.push({
        ...message,
        by: "bot",
        at: e.at,
        type: "text",
        quotable: true,
        free: e.by_reply,
        quoted: quoted(message),
      });
    return { chat: e.chat };
  },
  webhook(state, e) {
    const exchange = {
      id: e.id,
      kind: "webhook",
      at: e.at,
      method: "POST",
      path: state.hello.webhook,
      headers: e.headers,
      body: e.body,
      events: e.events,
    };
    state.exchanges.set(e.id, exchange);
    for (const event of e.events) {
      const known = turn(state, event.id, { chat: event.chat });
      known.user ||= event.user ?? "";
      if (!known.at) Object.assign(known, { at: e.at, type: event.type });
      // An edited message may begin a second turn, as a question. The page shows both as one turn.
      if (event.second) state.seconds.set(event.second, event.id);
      known.deliveries += 1;
      known.exchanges.push(exchange);
      known.apology = event.apology;
    }
    return { turns: e.events.map((event) => event.id) };
  },
  webhook_end(state, e) {
    const exchange = state.exchanges.get(e.id);
    if (!exchange) return {};
    Object.assign(exchange, { status: e.status, error: e.error, ms: e.ms, ended: e.at });
    const taken = e.status >= 200 && e.status < 300;
    for (const event of exchange.events) {
      const known = state.turns.get(event.id);
      const why = e.status ?? e.error;
      if (event.redelivery && taken && known.accepted != null)
        known.notes.push(["redelivered", { status: e.status, ms: e.ms }]);
      else if (event.redelivery && !taken) known.notes.push(["redelivered_lost", { why }]);
      else if (!taken) known.notes.push(["not_taken", { why }]);
      if (taken) {
        known.accepted ??= e.ms;
        if (known.state === "sending" || known.state === "refused") known.state = known.taken ? "queued" : "skipped";
        const item = state.chats.get(known.chat)?.items.find((item) => item.event === event.id);
        if (item) item.read = true;
      } else if (known.state === "sending") known.state = "refused";
    }
    return { turns: exchange.events.map((event) => event.id), chat: exchange.events[0]?.chat };
  },
  step(state, e) {
    const known = e.event && state.turns.get(state.seconds.get(e.event) ?? e.event);
    if (!known) return {};
    // An edit that is also a question is two jobs. The page then shows only the steps of the question's job.
    if (known.event !== e.event) known.asks = true;
    else if (known.asks) return {};
    STEPS[e.name]?.(known, e, state);
    return { turn: known.event };
  },
  call(state, e) {
    const exchange = { ...e, kind: "call" };
    state.exchanges.set(e.id, exchange);
    const known = turnOfCall(state, exchange);
    exchange.turn = known?.event;
    (known?.exchanges ?? state.others).push(exchange);
    if (known && exchange.path.endsWith("/chat/completions")) known.asked = e.at;
    return { turn: known?.event, others: !known };
  },
  call_end(state, e) {
    const exchange = state.exchanges.get(e.id);
    if (!exchange) return {};
    Object.assign(exchange, {
      status: e.status,
      broken: e.broken,
      ms: e.ms,
      answer: e.body,
      answerHeaders: e.headers,
      ended: e.at,
    });
    const known = state.turns.get(exchange.turn);
    spend(state.knobs, exchange, BEHAVES);
    if (known) calls(known, exchange);
    return { turn: known?.event, others: !known, knobs: true };
  },
  depth(state, e) {
    state.depth = e;
    return { depth: true };
  },
  letters(state, e) {
    // The letters are null while they cannot be read, as when the worker is killed. Then the old list stays.
    state.letters = e.letters ?? state.letters;
    return { letters: true };
  },
  pipeline(state, e) {
    state.pipeline = e;
    if (e.state === "killed") state.kills += 1;
    return { pipeline: true };
  },
  replay(state, e) {
    state.replay = e;
    return { replay: true };
  },
  did({ knobs }, { at, step }) {
    if (step.do === "think") knobs.think = step.ms;
    if (step.do === "model" || step.do === "line")
      knobs[step.do] = { fault: step.fault ?? "", once: step.once, since: at };
    if (step.do === "contents") knobs.contents = step.fault ?? "";
    if (step.do === "quota") knobs.quota = step.left === 0;
    return { knobs: true };
  },
};
