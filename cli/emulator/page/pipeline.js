// The progress of every message through the pipeline, live, newest first.

import { briefly, face } from "./bubble.js";
import { does, h } from "./dom.js";
import { seconds, t } from "./i18n.js";
import { exchangesOf } from "./wire.js";

const cards = new Map();

/** Draws the turn of a message. Makes its card first if needed, else draws only the changes. */
export function drawTurn(state, event, place) {
  const turn = state.turns.get(event);
  if (!turn) return;
  let card = cards.get(event);
  if (!card) {
    card = makeCard(turn);
    cards.set(event, card);
    place.prepend(card.element);
  }
  card.draw(turn, state);
}

/** Removes all cards, so that they are drawn again from the start. */
export function forgetTurns(place) {
  cards.clear();
  place.replaceChildren();
}

/** Updates the seconds of turns that are not over yet. */
export function tick(state) {
  for (const turn of state.turns.values()) {
    if (["sending", "queued", "working", "retry"].includes(turn.state)) cards.get(turn.event)?.way(turn);
  }
}

function makeCard(turn) {
  const [who, words, outcome] = [h("span"), h("b", { dir: "auto" }), h("span", { class: "outcome" })];
  const [way, notes, count] = [h("ol", { class: "way" }), h("ul", { class: "notes" }), h("summary")];
  const again =
    turn.n == null
      ? null
      : h(
          "button",
          { type: "button", class: "quiet-button", click: () => does({ do: "redeliver", message: turn.n }) },
          t("redeliver"),
        );
  const raw = h("div");
  const details = h(
    "details",
    { toggle: () => details.open && raw.replaceChildren(...exchangesOf(turn.exchanges)) },
    count,
    raw,
  );
  const element = h(
    "li",
    { class: "turn", "data-event": turn.event },
    h("div", { class: "turn-head" }, who, words, outcome),
    way,
    notes,
    h("div", { class: "turn-foot" }, details, again),
  );
  const drawWay = (turn) => way.replaceChildren(...stops(turn).map(drawStop));
  const draw = (turn, state) => {
    const users = [...state.users.keys()];
    const index = users.indexOf(turn.user);
    who.replaceChildren(face(state.users.get(turn.user)?.name ?? "?", Math.max(index, 0)));
    words.textContent = title(turn, state.chats.get(turn.chat));
    element.dataset.state = turn.state;
    outcome.textContent = t(`state_${turn.state}`, { s: turn.ended ? seconds(turn.ended - turn.at) : "" });
    notes.replaceChildren(...turn.notes.map((note) => h("li", { class: note[0] }, noted(note))));
    notes.hidden = !turn.notes.length;
    const n = turn.exchanges.length;
    count.textContent = t("raw", { n });
    const looks = turn.exchanges.map((e) => `${e.id}${e.ended ?? ""}`).join();
    if (details.open && raw.dataset.looks !== looks) raw.replaceChildren(...exchangesOf(turn.exchanges));
    raw.dataset.looks = looks;
    drawWay(turn);
  };
  return { element, draw, way: drawWay };
}

function title(turn, chat) {
  const words = turn.type === "edited" ? `✎ ${turn.text}` : briefly(turn);
  return chat?.isGroup ? `${chat.name} · ${words}` : words;
}

function noted([name, values]) {
  if (name === "attempt") return t(name, { n: values.n, after: values.died ? t("after_kill") : "" });
  if (name === "push_failed" || name === "model_failed") {
    const status = values.broken ? t(values.broken === "abandoned" ? "abandoned" : "broken") : values.status;
    return t(name, { status, s: seconds(values.ms ?? 0) });
  }
  return t(name, values);
}

/** Returns the six stops of a turn: name, progress (done, active, failed or none), and a short text. */
function stops(turn) {
  const now = Date.now();
  const { state, accepted, waited, remembered, thought, asked, stored, pushed } = turn;
  const is = (done, active) => (done ? "done" : active ? "active" : "");
  const merged = state === "merged";
  const wentPast = thought != null || stored != null || pushed > 0 || merged;
  const thinking = asked && state === "working" ? `${seconds(Math.max(0, now - asked))} s …` : "";
  const begun = turn.attempts > 0;
  const all = [
    ["accepted", is(accepted != null, state === "sending"), accepted == null ? "" : `${accepted} ms ${t("of_two")}`],
    [
      "queue",
      is(begun || state === "noticed", state === "queued" || state === "retry"),
      waited == null
        ? state === "queued"
          ? t("waits")
          : ""
        : waited < 1000
          ? `${Math.max(0, waited)} ms`
          : t("waited", { s: seconds(waited) }),
    ],
    [
      "history",
      is(remembered != null || merged, false),
      remembered == null
        ? ""
        : remembered === 0
          ? t("first")
          : t(remembered === 1 ? "message" : "messages", { n: remembered }),
    ],
    [
      "model",
      is(wentPast, asked != null && state === "working"),
      thought ? `${seconds(thought.ms)} s · ${t("tokens", { a: thought.prompt, b: thought.completion })}` : thinking,
    ],
    ["stored", is(stored != null || (pushed > 0 && state === "answered") || merged, false), ""],
    [
      "pushed",
      is(["answered", "noticed", "merged"].includes(state), stored != null && state === "working"),
      pushed ? t(pushed === 1 ? "part" : "parts", { n: pushed }) : turn.replied ? t("replied") : "",
    ],
  ];
  const failed = { dead: 3, refused: 0 }[state];
  const at = failed === 3 && wentPast ? 5 : failed;
  return all.map(([name, mark, word], i) => [name, i === at ? "failed" : mark, word]);
}

function drawStop([name, mark, word]) {
  return h("li", { class: mark }, h("b", {}, t(name)), h("small", {}, word));
}

/** Draws the dead letters, with a redrive button for each. */
export function drawLetters(state, section) {
  section.hidden = !state.letters.length;
  const line = (letter) => {
    const words = state.turns.get(letter.event)?.text ?? letter.event;
    return h(
      "li",
      {},
      h("b", { dir: "auto" }, words),
      h("code", {}, letter.reason),
      h("span", {}, letter.detail),
      h("button", { type: "button", click: () => does({ do: "redrive", letter: letter.id }) }, t("redrive")),
    );
  };
  section.querySelector("h3 button").hidden = state.letters.length < 2;
  section.querySelector("ul").replaceChildren(...state.letters.map(line));
}

/** Draws the depth of the queue. */
export function drawDepth(state, list) {
  const names = ["queued", "in_flight", "dead_letters"];
  list.replaceChildren(
    ...names.flatMap((name) =>
      h(
        "div",
        { "data-depth": name, class: state.depth[name] ? "some" : "" },
        h("dt", {}, t(name)),
        h("dd", {}, String(state.depth[name] ?? 0)),
      ),
    ),
  );
}
