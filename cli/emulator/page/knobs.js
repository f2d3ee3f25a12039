// The controls that plan faults, and short demonstrations ("shows") that plan a fault at the right moment.

import { does, h } from "./dom.js";
import { t } from "./i18n.js";
import { isActive } from "./turns.js";

/** The thinking times of the slider's positions, in milliseconds. */
const THINK = [0, 500, 1200, 3000, 5000, 10_000, 30_000, 60_000, 120_000, 180_000];
const MODEL = ["busy", "broken", "hangs", "refuses", "overflow"];
const LINE = ["broken", "busy", "loses", "quota"];
const CONTENTS = ["slow", "fails"];

let parts;
/** The name of the show that is running. */
let playing;

/** Makes the form in the current language. */
export function makeKnobs(form, shows, state, until) {
  const word = h("b");
  const think = h("input", {
    type: "range",
    "aria-label": t("think"),
    min: 0,
    max: THINK.length - 1,
    name: "think",
    input: () => say(),
    change: () => does({ do: "think", ms: THINK[think.value] }),
  });
  const say = () => {
    word.textContent = t("seconds", { s: THINK[think.value] / 1000 });
    think.setAttribute("aria-valuetext", word.textContent);
  };
  const model = fault("model", MODEL, "m_");
  const line = fault("line", LINE, "l_");
  const contents = h(
    "select",
    {
      name: "contents",
      "aria-label": t("contents_are"),
      change: () => does({ do: "contents", fault: contents.value || null }),
    },
    h("option", { value: "" }, t("c_ready")),
    CONTENTS.map((fault) => h("option", { value: fault }, t(`c_${fault}`))),
  );
  form.replaceChildren(
    h("label", {}, h("span", {}, t("think"), " ", word), think),
    model.field,
    line.field,
    h("fieldset", {}, h("legend", {}, t("contents_are")), contents),
    h(
      "div",
      { class: "buttons" },
      h(
        "button",
        { type: "button", class: "danger", title: t("kill_why"), click: () => does({ do: "kill" }) },
        t("kill"),
      ),
      h("button", { type: "button", click: () => does({ do: "redeliver" }) }, t("redeliver_last")),
    ),
  );
  shows.replaceChildren(
    ...SHOWS.map(([name, play]) =>
      h("button", { type: "button", "data-show": name, click: () => run(name, () => play(state, until)) }, t(name)),
    ),
  );
  parts = { think, model, line, contents, say, shows };
  drawKnobs(state);
  drawShows();
}

function fault(name, faults, prefix) {
  const once = h(
    "select",
    { "aria-label": t("how_often"), change: () => apply() },
    h("option", { value: "1" }, t("once")),
    h("option", { value: "" }, t("always")),
  );
  const which = h(
    "select",
    { name, "aria-label": t(`${name}_does`), change: () => apply() },
    h("option", { value: "" }, t("behaves")),
    faults.map((fault) => h("option", { value: fault }, t(prefix + fault))),
  );
  const apply = async () => {
    const [fault, isOnce] = [which.value || null, Boolean(once.value)];
    if (name === "line") await does({ do: "quota", left: fault === "quota" ? 0 : null });
    await does({ do: name, fault: fault === "quota" ? null : fault, once: isOnce });
  };
  return { which, once, field: h("fieldset", {}, h("legend", {}, t(`${name}_does`)), which, once) };
}

/** Shows the current values of the controls, also if another page or a replay changed them. */
export function drawKnobs(state) {
  if (!parts) return;
  const { think, model, line, contents, say } = parts;
  const knobs = state.knobs;
  const nearest = THINK.findIndex((ms) => ms >= knobs.think);
  think.value = nearest < 0 ? THINK.length - 1 : nearest;
  say();
  contents.value = knobs.contents;
  contents.parentElement.classList.toggle("on", Boolean(knobs.contents));
  for (const [{ fault, once: isOnce }, { which, once, field }] of [
    [knobs.model, model],
    [knobs.quota ? { fault: "quota" } : knobs.line, line],
  ]) {
    which.value = fault;
    once.hidden = ["", "quota"].includes(fault);
    if (!once.hidden) once.value = isOnce ? "1" : "";
    field.classList.toggle("on", Boolean(which.value));
  }
}

/** Runs one show; disables the buttons of all shows until it ends. A show restores the controls that it changes. */
async function run(name, play) {
  playing = name;
  drawShows();
  try {
    await play();
  } catch (why) {
    // The reason for a refused step was shown already.
    if (why !== REFUSED) throw why;
  } finally {
    playing = undefined;
    drawShows();
  }
}

function drawShows() {
  for (const button of parts.shows.children) {
    button.disabled = playing !== undefined;
    button.classList.toggle("plays", button.dataset.show === playing);
  }
}

const REFUSED = new Error("a step was refused");

/** Posts a step that a show needs; throws if it is refused, which ends the show. */
async function must(step) {
  if (!(await does(step))) throw REFUSED;
}

const SHOWS = [
  [
    "show_twice",
    async (state, until) => {
      const turn = await says(state, until, t("hello_there"));
      await until(() => turn().taken);
      await must({ do: "redeliver", message: turn().n });
      await until(() => turn().deliveries > 1 && done(turn()));
    },
  ],
  [
    "show_kill",
    async (state, until) => {
      const restored = { do: "think", ms: state.knobs.think };
      const restore = () => does(restored, { keepalive: true });
      await must({ do: "think", ms: 3000 });
      // If the page is closed during the show, the model's thinking time is restored.
      addEventListener("pagehide", restore);
      try {
        const turn = await says(state, until, t("hello_there"));
        // The kill comes a second later, so that a person sees that the model is thinking.
        await until(() => turn().asked && Date.now() - turn().asked > 1000);
        await must({ do: "kill" });
        await until(() => done(turn()));
      } finally {
        removeEventListener("pagehide", restore);
        await restore();
      }
    },
  ],
  [
    "show_lost",
    async (state, until) => {
      await must({ do: "line", fault: "loses", once: true });
      const turn = await says(state, until, t("hello_there"));
      await until(() => done(turn()));
    },
  ],
  [
    "show_dead",
    async (state, until) => {
      await must({ do: "model", fault: "refuses", once: true });
      const turn = await says(state, until, t("hello_there"));
      await until(() => done(turn()));
    },
  ],
  [
    "show_long",
    async (state, until) => {
      const turn = await says(state, until, t("long_story"));
      await until(() => done(turn()));
    },
  ],
];

const done = (turn) => !isActive(turn);

/** Sends a text from the first person; returns a function that returns its turn. */
async function says(state, until, text) {
  const user = state.users.keys().next().value;
  const before = state.turns.size;
  await must({ do: "say", user, text });
  await until(() => state.turns.size > before);
  const event = [...state.turns.keys()].at(-1);
  return () => state.turns.get(event);
}
