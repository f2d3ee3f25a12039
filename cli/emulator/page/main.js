// The main file of the page: it reads the feed, puts each entry into the state, and draws the parts that changed.

import { drawPhone, forgetPhones } from "./chat.js";
import { does, h, toast } from "./dom.js";
import { switchLanguage, t, translate } from "./i18n.js";
import { drawKnobs, makeKnobs } from "./knobs.js";
import { drawDepth, drawLetters, drawTurn, forgetTurns, tick } from "./pipeline.js";
import { nothing, take } from "./state.js";
import { exchangesOf } from "./wire.js";

const $ = (id) => document.getElementById(id);
const state = nothing();
const dirty = { users: new Set(), turns: new Set(), rest: new Set() };
const waiting = new Set();
let [boot, feed, last] = [undefined, undefined, ""];

function draw() {
  const { users, turns, rest } = dirty;
  const ids = [...state.users.keys()];
  if (rest.has("all")) {
    translate();
    forgetPhones();
    forgetTurns($("turns"));
    makeKnobs($("knobs"), $("shows"), state, until);
    state.turns.forEach((_, event) => turns.add(event));
    ["hello", "pipeline", "depth", "letters", "replay", "others", "knobs"].forEach((part) => rest.add(part));
  }
  if (rest.has("all") || rest.has("users")) ids.forEach((id) => users.add(id));
  for (const id of users) if (state.users.has(id)) drawPhone(state, state.users.get(id), $("phones"));
  for (const event of turns) drawTurn(state, event, $("turns"));
  $("nothing").hidden = state.turns.size > 0;
  if (rest.has("hello")) drawModel();
  if (rest.has("pipeline")) drawLife();
  if (rest.has("depth")) drawDepth(state, $("depth"));
  if (rest.has("letters")) drawLetters(state, $("letters"));
  if (rest.has("knobs")) drawKnobs(state);
  if (rest.has("replay") && state.replay) drawReplay();
  if (rest.has("others")) drawOthers();
  [users, turns, rest].forEach((set) => set.clear());
  for (const check of [...waiting]) check();
}

function note(concerns) {
  const { chat, turn, turns = [turn], ...rest } = concerns;
  for (const user of state.chats.get(chat)?.members ?? []) dirty.users.add(user);
  for (const event of turns) if (event) dirty.turns.add(event);
  for (const [part, is] of Object.entries(rest)) if (is) dirty.rest.add(part);
  if (!note.planned) {
    note.planned = true;
    // A timer is used because browsers draw no frames in a hidden tab, and the shows must go on there.
    setTimeout(() => {
      note.planned = false;
      draw();
    }, 16);
  }
}

/** Waits until a condition is true. */
function until(is) {
  return new Promise((resolve, reject) => {
    const check = () => {
      try {
        if (!is()) return;
        resolve();
      } catch (why) {
        reject(why);
      }
      waiting.delete(check);
    };
    waiting.add(check);
    check();
  });
}

function drawModel() {
  const { offline, model } = state.hello;
  if (offline === undefined) return;
  $("model").hidden = false;
  $("model").textContent = offline ? t("offline") : t("real", { model });
  $("model").title = offline ? t("offline_why") : "";
  $("model").classList.toggle("warn", offline);
}

function drawLife() {
  const { state: is, pid } = state.pipeline;
  $("life").replaceChildren(t(is), is === "up" && pid ? h("small", {}, ` pid ${pid}`) : "");
  $("life").dataset.state = is;
}

function drawReplay() {
  const { done, steps, got, expected, same } = state.replay;
  if (same === undefined) toast(t("replaying", { done, steps }));
  else toast(t(same ? "replayed_same" : "replayed_other", { got, expected }));
}

function drawOthers() {
  const others = $("others");
  others.hidden = !state.others.length;
  if (others.open) others.lastElementChild.replaceChildren(...exchangesOf(state.others));
}

/** Reads the feed while the tab is visible or a show waits, because a browser has six connections for all its tabs. */
function listen() {
  if (document.hidden && !waiting.size) {
    feed?.close();
    feed = undefined;
  }
  if (document.hidden || feed) return;
  feed = new EventSource(`/dev/events?after=${last}`);
  // Without a connection the state of the pipeline is unknown, so it is hidden.
  const loses = (is) => ([$("lost").hidden, $("life").hidden] = [!is, is]);
  feed.onopen = () => loses(false);
  feed.onerror = () => loses(true);
  feed.onmessage = ({ data, lastEventId }) => {
    last = lastEventId;
    const from = lastEventId.split("-")[0];
    // This is another process of henji dev than before: its state begins again, so the page reloads.
    if (boot && boot !== from) return location.reload();
    boot = from;
    note(take(state, JSON.parse(data)));
  };
}

function show(view) {
  document.body.dataset.view = view;
  for (const button of document.querySelectorAll(".views button"))
    button.setAttribute("aria-pressed", String(button.dataset.view === view));
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  $("theme").setAttribute("aria-pressed", String(theme === "dark"));
}

$("language").addEventListener("click", () => {
  switchLanguage();
  note({ all: true });
});
$("theme").addEventListener("click", () => {
  const isDark = document.documentElement.dataset.theme === "dark";
  setTheme(isDark ? "light" : "dark");
  localStorage.setItem("henji.theme", isDark ? "light" : "dark");
});
document
  .querySelector(".views")
  .addEventListener("click", (event) => event.target.dataset.view && show(event.target.dataset.view));
$("join").addEventListener("submit", async (event) => {
  event.preventDefault();
  const name = event.target.elements.name.value.trim();
  const random = [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
  if (!name || !(await does({ do: "join", user: `U${random}`, name, language: event.target.elements.language.value })))
    return;
  event.target.reset();
  const phone = () => document.querySelector(`[data-user="U${random}"]`);
  await until(phone);
  phone().scrollIntoView({ inline: "end", block: "nearest" });
});
document.querySelector("#letters h3 button").addEventListener("click", () => does({ do: "redrive" }));
$("others").addEventListener("toggle", drawOthers);
$("replay").addEventListener("change", async (event) => {
  const file = event.target.files[0];
  event.target.value = "";
  if (!file) return;
  const response = await fetch("/dev/replay", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: await file.text(),
  });
  if (!response.ok) toast(t("not_replayed", { why: t((await response.json()).message) }));
});

setTheme(
  localStorage.getItem("henji.theme") ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"),
);
setInterval(() => {
  tick(state);
  for (const chat of state.chats.values()) if (chat.loadingUntil) note({ chat: chat.id });
}, 250);
note({ all: true });
document.addEventListener("visibilitychange", listen);
listen();
