// Everything the page knows, made of the feed's entries and of nothing else: a page that reads the feed
// again knows the same. No element is touched here.

const BEHAVES = { fault: "", once: false, since: 0 };

/** What is known. */
export function nothing() {
  return {
    hello: {}, pipeline: { state: "starting" }, depth: {}, letters: [], kills: 0,
    users: new Map(), turns: new Map(), others: [], replay: null,
    knobs: { think: 0, model: BEHAVES, line: BEHAVES, quota: false },
    exchanges: new Map(), keys: new Map(), tokens: new Map(),
  };
}

const USER = ({ user, name, language }) => ({ id: user, name, language, follows: true, items: [], loadingUntil: 0, draft: "" });

function turn(state, event, fields) {
  let known = state.turns.get(event);
  if (!known) {
    known = {
      event, at: 0, state: "sending", type: "message", text: "", user: "", n: null, notes: [], exchanges: [],
      attempts: 0, deliveries: 0, waited: null, remembered: null, asked: null, thought: null, stored: null, pushed: 0, ended: null,
    };
    state.turns.set(event, known);
  }
  return Object.assign(known, fields);
}

/** Takes in one entry. Returns what it concerns, for those who draw. */
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
    state.users.set(e.user, USER(e));
    return { users: true };
  },
  said(state, e) {
    const { type = "message", text = "", id, stickerId } = e.message ?? {};
    turn(state, e.event, { at: e.at, user: e.user, n: e.n, type, text });
    const item = { by: "user", at: e.at, n: e.n, type, text, id, stickerId, event: e.event, read: false };
    state.users.get(e.user)?.items.push(item);
    return { user: e.user, turn: e.event };
  },
  unsent(state, e) {
    for (const user of state.users.values()) {
      const item = user.items.find((item) => item.n === e.n);
      if (item) {
        item.unsent = true;
        return { user: user.id };
      }
    }
  },
  follows(state, e) {
    const user = state.users.get(e.user);
    if (!user) return {};
    user.follows = e.follows;
    user.items.push({ by: "line", at: e.at, type: e.follows ? "unblocked" : "blocked" });
    return { user: e.user };
  },
  past(state, e) {
    state.users.get(e.user)?.items.push({ by: "line", at: e.at, type: "remembers", n: null, count: e.messages });
    return { user: e.user };
  },
  loading(state, e) {
    const user = state.users.get(e.user);
    if (user) user.loadingUntil = e.at + e.seconds * 1000;
    return { user: e.user };
  },
  answer(state, e) {
    const user = state.users.get(e.user);
    if (!user) return {};
    user.loadingUntil = 0;
    const quoted = ({ quotes }) => user.items.find((item) => item.id === quotes);
    for (const message of e.messages ?? []) user.items.push({ ...message, by: "bot", at: e.at, type: "text", free: e.by_reply, quoted: quoted(message) });
    return { user: e.user };
  },
  webhook(state, e) {
    const exchange = { id: e.id, kind: "webhook", at: e.at, method: "POST", path: state.hello.webhook, headers: e.headers, body: e.body, events: e.events };
    state.exchanges.set(e.id, exchange);
    for (const event of e.events) {
      const known = turn(state, event.id, { user: event.user });
      if (!known.at) Object.assign(known, { at: e.at, type: event.type });
      known.deliveries += 1;
      known.exchanges.push(exchange);
      for (const key of event.keys) state.keys.set(key, event.id);
      known.apology = event.keys.at(-1);
      if (event.reply_token) state.tokens.set(event.reply_token, event.id);
    }
    return { turn: e.events[0]?.id };
  },
  webhook_end(state, e) {
    const exchange = state.exchanges.get(e.id);
    if (!exchange) return {};
    Object.assign(exchange, { status: e.status, error: e.error, ms: e.ms, ended: e.at });
    const taken = e.status >= 200 && e.status < 300;
    for (const event of exchange.events) {
      const known = state.turns.get(event.id);
      const why = e.status ?? e.error;
      if (event.redelivery && taken && known.accepted != null) known.notes.push(["redelivered", { status: e.status, ms: e.ms }]);
      else if (event.redelivery && !taken) known.notes.push(["redelivered_lost", { why }]);
      else if (!taken) known.notes.push(["not_taken", { why }]);
      if (taken) {
        known.accepted ??= e.ms;
        if (known.state === "sending" || known.state === "refused") known.state = known.taken ? "queued" : "skipped";
        const item = state.users.get(known.user)?.items.find((item) => item.event === event.id);
        if (item) item.read = true;
      } else if (known.state === "sending") known.state = "refused";
    }
    return { turn: exchange.events[0]?.id, user: exchange.events[0]?.user };
  },
  step(state, e) {
    const known = e.event && state.turns.get(e.event);
    if (!known) return {};
    STEPS[e.name]?.(known, e, state);
    return { turn: e.event };
  },
  call(state, e) {
    const exchange = { ...e, kind: "call" };
    state.exchanges.set(e.id, exchange);
    const known = whose(state, exchange);
    exchange.turn = known?.event;
    (known?.exchanges ?? state.others).push(exchange);
    if (known && exchange.path.endsWith("/chat/completions")) known.asked = e.at;
    return { turn: known?.event, others: !known };
  },
  call_end(state, e) {
    const exchange = state.exchanges.get(e.id);
    if (!exchange) return {};
    Object.assign(exchange, { status: e.status, broken: e.broken, ms: e.ms, answer: e.body, answerHeaders: e.headers, ended: e.at });
    const known = state.turns.get(exchange.turn);
    spend(state.knobs, exchange);
    if (known) calls(known, exchange);
    return { turn: known?.event, others: !known, knobs: true };
  },
  depth(state, e) {
    state.depth = e;
    return { depth: true };
  },
  letters(state, e) {
    state.letters = e.letters;
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
    if (step.do === "model" || step.do === "line") knobs[step.do] = { fault: step.fault ?? "", once: step.once, since: at };
    if (step.do === "quota") knobs.quota = step.left === 0;
    return { knobs: true };
  },
};

const STEPS = {
  accepted(turn) {
    turn.taken = true;
    if (turn.state === "skipped" || turn.state === "dead") Object.assign(turn, { state: "queued", ended: null });
  },
  began(turn, e, state) {
    if (e.attempts > 1) {
      const died = state.kills > (turn.killsAtStart ?? state.kills);
      turn.notes.push(["attempt", { n: e.attempts, died }]);
    }
    turn.killsAtStart = state.kills;
    turn.attempts = e.attempts;
    turn.waited ??= e.at - turn.at;
    Object.assign(turn, { state: "working", ended: null });
  },
  remembered(turn, e) {
    turn.remembered = e.messages;
  },
  "the model answered"(turn, e) {
    turn.thought = { ms: e.model_ms, prompt: e.prompt_tokens, completion: e.completion_tokens };
    turn.asked = null;
  },
  stored(turn, e) {
    turn.stored = e.pushes;
  },
  answered: (turn, e) => Object.assign(turn, { state: "answered", ended: e.at }),
  "left in silence": (turn, e) => Object.assign(turn, { state: "silent", ended: e.at }),
  noticed: (turn, e) => Object.assign(turn, { state: "noticed", ended: e.at }),
  "asked for patience": (turn, e) => e.said && turn.notes.push(["patience", {}]),
  "the free reply was refused: it is pushed": (turn) => turn.notes.push(["not_replied", {}]),
  "forgot what it was asked to": (turn, e) => Object.assign(turn, { state: "forgot", ended: e.at }),
  forgotten: (turn, e) => Object.assign(turn, { state: "forgotten", ended: e.at }),
  "to be tried again"(turn, e) {
    Object.assign(turn, { state: "retry", asked: null });
    turn.notes.push(["again_in", { reason: e.reason, s: (e.after_ms / 1000).toFixed(1) }]);
  },
  "dead-lettered"(turn, e) {
    Object.assign(turn, { state: "dead", ended: e.at, asked: null });
    turn.notes.push(["dead", { reason: e.reason, n: e.attempts, detail: e.detail }]);
  },
};

/** Whose turn a call of the bot's belongs to. A question to the model names nobody, so its words tell. */
function whose(state, { path, headers, body }) {
  const json = parsed(body);
  if (path.endsWith("/push")) return state.turns.get(state.keys.get(headers["x-line-retry-key"]));
  if (path.endsWith("/message/reply")) return state.turns.get(state.tokens.get(json?.replyToken));
  // The call may be heard of before the log's line that the attempt began.
  const active = [...state.turns.values()].filter((turn) => turn.ended == null && turn.state !== "skipped");
  if (path.endsWith("/loading/start")) return active.find((turn) => turn.user === json?.chatId);
  if (!path.endsWith("/chat/completions")) return undefined;
  const asking = active.filter((turn) => turn.text === json?.messages?.at(-1)?.content);
  return asking.find((turn) => turn.asked == null) ?? asking[0];
}

/** A fault for the next call only is over when a call ends that began after it was set. */
function spend(knobs, { path, at }) {
  const name = path.endsWith("/chat/completions") ? "model" : path.endsWith("/push") ? "line" : "";
  if (knobs[name]?.once && at >= knobs[name].since) knobs[name] = BEHAVES;
}

function calls(turn, { path, headers, status, broken, ms }) {
  const failed = broken ?? status;
  if (path.endsWith("/chat/completions") && (broken || status >= 400)) turn.notes.push(["model_failed", { status: failed, broken, ms }]);
  if (path.endsWith("/message/reply") && status === 200) turn.replied = true;
  if (path.endsWith("/push")) {
    if (headers["x-line-retry-key"] === turn.apology) {
      if (status === 200) turn.notes.push(["told", {}]);
      return;
    }
    if (status === 409) turn.notes.push(["conflict", {}]);
    else if (broken || status >= 400) turn.notes.push(["push_failed", { status: failed, broken }]);
    if (status === 200 || status === 409) turn.pushed += 1;
  }
}

/** JSON as data, or undefined. */
export function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
