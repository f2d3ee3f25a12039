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

/**
 * Finds the turn that a call of the bot belongs to. A call of an attempt names its event. An apology has a known key; the
 * other calls for an apology belong to no turn.
 */
export function turnOfCall(state, { headers }) {
  const event = headers["x-henji-event"];
  if (event) return state.turns.get(state.seconds.get(event) ?? event);
  const key = headers["x-line-retry-key"];
  return key && [...state.turns.values()].find((turn) => turn.apology === key);
}

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
