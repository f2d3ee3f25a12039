// The progress of a turn, from the pipeline's log and from the bot's calls, and the search for the turn of a call.

/** Returns the turn of an event with these fields set; makes it if needed. */
export function turn(state, event, fields) {
  let known = state.turns.get(event);
  if (!known) {
    known = {
      event,
      at: 0,
      state: "sending",
      type: "message",
      text: "",
      user: "",
      chat: "",
      n: null,
      message: null,
      notes: [],
      exchanges: [],
      attempts: 0,
      deliveries: 0,
      waited: null,
      remembered: null,
      asked: null,
      thought: null,
      stored: null,
      pushed: 0,
      ended: null,
    };
    state.turns.set(event, known);
  }
  return Object.assign(known, fields);
}

/** The changes of a turn, by the kind of the log line. */
export const STEPS = {
  accepted(turn) {
    turn.taken = true;
    if (turn.state === "skipped" || turn.state === "dead") Object.assign(turn, { state: "queued", ended: null });
  },
  attempt_began(turn, e, state) {
    if (e.attempts > 1) {
      const died = state.kills > (turn.killsAtStart ?? state.kills);
      turn.notes.push(["attempt", { n: e.attempts, died }]);
    }
    turn.killsAtStart = state.kills;
    turn.attempts = e.attempts;
    turn.waited ??= e.at - turn.at;
    Object.assign(turn, { state: "working", ended: null });
  },
  loaded(turn, e) {
    turn.remembered = e.messages;
  },
  model_answered(turn, e) {
    turn.thought = { ms: e.model_ms, prompt: e.prompt_tokens, completion: e.completion_tokens };
    turn.asked = null;
  },
  stored(turn, e) {
    turn.stored = e.pushes;
  },
  answered: (turn, e) => Object.assign(turn, { state: "answered", ended: e.at }),
  merged: (turn, e) => Object.assign(turn, { state: "merged", ended: e.at }),
  left_group: (turn, e) => Object.assign(turn, { state: "gone", ended: e.at, asked: null }),
  redrafted: (turn) => turn.notes.push(["changed", {}]),
  silent: (turn, e) => Object.assign(turn, { state: "silent", ended: e.at }),
  noticed: (turn, e) => Object.assign(turn, { state: "noticed", ended: e.at }),
  patience_asked: (turn, e) => e.said && turn.notes.push(["patience", {}]),
  reply_refused: (turn) => turn.notes.push(["not_replied", {}]),
  erased: (turn, e) => Object.assign(turn, { state: "forgot", ended: e.at }),
  forgotten: (turn, e) => Object.assign(turn, { state: "forgotten", ended: e.at }),
  /** Handles the line that every attempt writes: its outcome, if no other line has given it. */
  turn(turn, e) {
    const state = turn.type === "edited" && e.outcome === "noticed" ? "kept" : ENDS[e.outcome];
    // A dead turn can end here again, because the event of a redriven letter may have been answered long ago.
    if (state && (isActive(turn) || turn.state === "dead")) Object.assign(turn, { state, ended: e.at, asked: null });
    if (["not_ready", "given_back", "suspect"].includes(e.outcome))
      Object.assign(turn, { state: "queued", asked: null });
  },
  retry_scheduled(turn, e) {
    Object.assign(turn, { state: "retry", asked: null });
    turn.notes.push(["again_in", { reason: e.reason, s: (e.after_ms / 1000).toFixed(1) }]);
  },
  dead_lettered(turn, e) {
    Object.assign(turn, { state: "dead", ended: e.at, asked: null });
    turn.notes.push(["dead", { reason: e.reason, n: e.attempts, detail: e.detail }]);
  },
};

/** The outcomes that end a turn. `later` and `dead` have their own lines, with the reason. */
const ENDS = {
  answered: "answered",
  merged: "merged",
  already_answered: "already",
  noticed: "noticed",
  forgotten: "forgotten",
};

/** Whether the turn is not over yet. */
export const isActive = (turn) => turn.ended == null && turn.state !== "skipped";
const CONTENT = /\/message\/(\w+)\/content/;

/** Finds the turn that a call of the bot belongs to. A question to the model has no ids, so its words are compared. */
export function whose(state, { path, headers, body }) {
  const json = parsed(body);
  if (path.endsWith("/push")) return state.turns.get(state.keys.get(headers["x-line-retry-key"]));
  if (path.endsWith("/message/reply")) return state.turns.get(state.tokens.get(json?.replyToken));
  // The call may come before the log lines that its event was accepted and that its attempt began. Until the first
  // line the turn is skipped.
  const open = [...state.turns.values()].filter((turn) => turn.ended == null);
  const active = [...open.filter(isActive), ...open.filter((turn) => !isActive(turn)).reverse()];
  const content = path.match(CONTENT)?.[1];
  // A text that quotes a picture fetches that picture, too.
  if (content)
    return active.find((turn) => turn.message === content) ?? active.find((turn) => turn.state === "working");
  if (path.endsWith("/loading/start")) return active.find((turn) => turn.chat === json?.chatId);
  if (path.endsWith("/audio/transcriptions")) return first(active.filter((turn) => turn.type === "audio"));
  if (!path.endsWith("/chat/completions")) return undefined;
  const words = squashed(wordsOf(json?.messages?.at(-1)?.content));
  const known = active.filter(
    (turn) => ["text", "edited"].includes(turn.type) && words.endsWith(squashed(told(turn.text))),
  );
  // For a picture, a voice, a location or a retry, the model's prompt does not have the words of the message.
  const other = active.filter((turn) => turn.state === "working" && turn.type !== "text");
  return [known, other, active.filter((turn) => turn.state === "working")].map(first).find(Boolean);
}

/** Returns the first turn without an open question to the model, else the first turn. */
const first = (turns) => turns.find((turn) => turn.asked == null) ?? turns[0];

/** Returns the text of a question, without its pictures. */
function wordsOf(content) {
  if (!Array.isArray(content)) return content ?? "";
  return content.map((part) => part.text ?? "").join("");
}

/** Returns the text that the model gets: without mentions of the bot, unless there is nothing else. */
const told = (text) => text.replaceAll("@Henji", "").trim() || text;
const squashed = (text) => text.replace(/\s+/g, "");

/** Removes a fault for the next call only, when a call ends that began after the fault was set. */
export function spend(knobs, { path, at }, behaves) {
  const name = path.endsWith("/chat/completions") ? "model" : path.endsWith("/push") ? "line" : "";
  if (knobs[name]?.once && at >= knobs[name].since) knobs[name] = behaves;
}

/** Adds the end of a call to its turn. */
export function calls(turn, { path, headers, status, broken, ms }) {
  const failed = broken ?? status;
  if (path.endsWith("/chat/completions") && (broken || status >= 400))
    turn.notes.push(["model_failed", { status: failed, broken, ms }]);
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

/** Parses JSON; undefined if it is not JSON. */
export function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
