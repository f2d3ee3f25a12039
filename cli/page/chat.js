// The phones: one for each person, with the bot as the other side.

import { does, h, toast } from "./dom.js";
import { clock, t } from "./i18n.js";

/** The stickers, in the order of the server's list. */
export const STICKERS = ["👋", "💚", "😂", "😢", "🙏", "🌙"];
const STICKER_IDS = ["1988", "1989", "1990", "1991", "1992", "1993"];
/** A picture is made smaller than this before it is sent. */
const PICTURE_MAX = 1280;

const phones = new Map();

/** Draws a person's phone anew, or what came to it. */
export function drawPhone(user, index, place) {
  let phone = phones.get(user.id);
  if (!phone) {
    phone = makePhone(user, index);
    phones.set(user.id, phone);
    place.append(phone.element);
    grow(phone.text);
  }
  phone.draw(user);
}

/** Draws every phone from nothing, as in another language. */
export function forgetPhones() {
  for (const { element } of phones.values()) element.remove();
  phones.clear();
}

/** A person's colour. */
export function face(name, index) {
  return h("span", { class: `face face-${index % 6}`, "aria-hidden": "true" }, [...name][0] ?? "?");
}

function makePhone(user, index) {
  let isAtEnd = true;
  const log = h("ol", {
    class: "log", role: "log", tabindex: "0", "aria-label": t("chat_of", { name: user.name }),
    scroll: () => (isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80),
  });
  const stayAtEnd = () => isAtEnd && (log.scrollTop = log.scrollHeight);
  // A narrower phone breaks its lines anew, and somebody who types takes room away.
  new ResizeObserver(stayAtEnd).observe(log);
  const typing = h("p", { class: "typing", role: "status" });
  const status = h("small");
  const block = h("button", { type: "button", class: "quiet-button", click: () => does({ do: user.follows ? "unfollow" : "follow", user: user.id }) });
  const { form, text } = composer(user);
  const element = h("article", { class: "phone", "data-user": user.id },
    h("header", {}, face(user.name, index), h("h3", {}, user.name, " ", status), block), log, typing, form);
  let drawn = [];
  const draw = (now) => {
    user = now;
    status.textContent = `${languageOf(user)} · ${user.follows ? t("friend") : t("blocker")}`;
    block.textContent = user.follows ? t("block") : t("unblock");
    for (const control of form.elements) control.disabled = !user.follows;
    user.items.forEach((item, i) => {
      // Buttons are there until something else comes, as on a real phone.
      const isLast = i === user.items.length - 1;
      const looks = JSON.stringify([item, isLast && user.follows]);
      if (drawn[i]?.looks === looks) return;
      const row = drawItem(item, user, isLast && user.follows);
      if (drawn[i]) drawn[i].row.replaceWith(row);
      else log.append(row);
      drawn[i] = { looks, row };
    });
    drawTyping(typing, user);
    stayAtEnd();
  };
  log.append(h("li", { class: "day" }, t("empty")));
  return { element, draw, text };
}

function drawTyping(typing, user) {
  const shows = user.loadingUntil > Date.now();
  if (typing.hidden === !shows && typing.childElementCount === (shows ? 4 : 0)) return;
  typing.hidden = !shows;
  typing.replaceChildren(...(shows ? [h("i"), h("i"), h("i"), h("span", { class: "only-read" }, t("typing"))] : []));
}

function drawItem(item, user, hasButtons) {
  if (item.by === "line") return h("li", { class: "day" }, t(item.type, { name: user.name, n: item.count }));
  if (item.unsent) return h("li", { class: "day" }, t("unsent", { name: user.name }));
  const meta = h("span", { class: "meta" }, item.by === "user" && item.read ? h("span", {}, t("read")) : null, h("time", { datetime: new Date(item.at).toISOString() }, clock(item.at)));
  if (item.by === "bot") return drawAnswer(item, user, meta, hasButtons);
  const unsend = h("button", { type: "button", class: "unsend", title: t("unsend"), "aria-label": t("unsend"), click: () => does({ do: "unsend", message: item.n }) }, "↶");
  return h("li", { class: "row user" }, unsend, meta, body(item));
}

/** What the bot says: as whom, to what, and what can be tapped below it. */
function drawAnswer({ text, sender, icon, quoted, buttons, free }, user, meta, hasButtons) {
  if (free) meta.prepend(h("span", { class: "free" }, t("free")));
  // An icon of another host would be loaded from there: its address is shown instead.
  const face = h("span", { class: "face bot-face", "aria-hidden": "true", title: icon }, sender ? [...sender][0] : "返");
  const quote = quoted && h("q", { class: "quote" }, h("b", {}, user.name), " ", quoted.unsent ? t("unsent", { name: user.name }) : quoted.text);
  const bubble = h("p", { class: "bubble", dir: "auto" }, quote, text);
  const tap = ([label, words]) => h("button", { type: "button", click: () => does({ do: "say", user: user.id, text: words }) }, label);
  const quick = hasButtons && buttons?.length > 0 && h("div", { class: "quick", role: "group", "aria-label": t("quick") }, buttons.map(tap));
  const words = h("div", { class: "words" }, sender && h("span", { class: "sender" }, sender), bubble);
  return h("li", {}, h("div", { class: "row bot" }, face, words, meta), quick);
}

/** A person's language, in the page's own. */
function languageOf({ language }) {
  return new Intl.DisplayNames([document.documentElement.lang], { type: "language" }).of(language);
}

function body({ type, text, id, stickerId }) {
  if (type === "sticker") return h("span", { class: "sticker", role: "img", "aria-label": t("sticker") }, STICKERS[STICKER_IDS.indexOf(stickerId)] ?? "🖼");
  if (type === "image") return h("img", { class: "picture", src: `/dev/pictures/${encodeURIComponent(id)}`, alt: t("picture") });
  return h("p", { class: "bubble", dir: "auto" }, type === "text" ? text : `(${type})`);
}

function composer(user) {
  const text = h("textarea", {
    rows: 1, "aria-label": t("write_to", { name: user.name }), placeholder: t("write_to", { name: user.name }), enterkeyhint: "send",
    input: () => {
      user.draft = text.value;
      grow(text);
    },
    keydown: (event) => {
      // Enter that ends a Japanese composition chooses a word; it sends nothing (229: Safari).
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      form.requestSubmit();
    },
  });
  text.value = user.draft;
  const stickers = h("div", { class: "stickers", hidden: true, role: "group", "aria-label": t("sticker") },
    STICKERS.map((face, sticker) => h("button", { type: "button", "aria-label": `${t("sticker")} ${face}`, click: () => { stickers.hidden = true; does({ do: "sticker", user: user.id, sticker }); } }, face)));
  const file = h("input", { type: "file", accept: "image/*", "aria-label": t("picture"), change: () => sendPicture(user, file) });
  const form = h("form", {
    class: "composer",
    submit: async (event) => {
      event.preventDefault();
      const words = text.value;
      if (!words.trim()) return;
      text.value = user.draft = "";
      grow(text);
      if (!(await does({ do: "say", user: user.id, text: words })) && !user.draft) text.value = user.draft = words;
    },
  },
  stickers,
  h("button", { type: "button", class: "icon", title: t("sticker"), "aria-label": t("sticker"), click: () => { stickers.hidden = !stickers.hidden; } }, "☺"),
  h("label", { class: "icon", title: t("picture") }, h("span", { "aria-hidden": "true" }, "＋"), file),
  text,
  h("button", { type: "submit", class: "send", title: t("send"), "aria-label": t("send") }, "➤"));
  return { form, text };
}

function grow(text) {
  text.style.height = "auto";
  // In a view that is not shown nothing has a height.
  if (text.scrollHeight) text.style.height = `${Math.min(text.scrollHeight, 140)}px`;
}

async function sendPicture(user, file) {
  const chosen = file.files[0];
  file.value = "";
  if (!chosen) return;
  try {
    const bitmap = await createImageBitmap(chosen);
    const scale = Math.min(1, PICTURE_MAX / Math.max(bitmap.width, bitmap.height));
    const canvas = h("canvas", { width: Math.round(bitmap.width * scale), height: Math.round(bitmap.height * scale) });
    canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    await does({ do: "picture", user: user.id, base64: canvas.toDataURL("image/jpeg", 0.85).split(",")[1] });
  } catch {
    toast(t("picture_bad"));
  }
}
