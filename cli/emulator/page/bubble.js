// The items of a chat: who sent each, what it quotes, and the buttons to quote, edit or unsend it.

import { does, h } from "./dom.js";
import { clock, t } from "./i18n.js";

/** The stickers, in the order of the server's list. */
export const STICKERS = ["👋", "💚", "😂", "😢", "🙏", "🌙", "🎂", "🌀"];
const STICKER_IDS = ["1988", "1989", "1990", "1991", "1992", "1993", "1994", "1995"];

/** Makes a person's avatar: the first letter of the name on a colour. */
export function face(name, index) {
  return h("span", { class: `face face-${index % 6}`, "aria-hidden": "true" }, [...name][0] ?? "?");
}

/** Returns the looks of an item as a string. An item is drawn again only when its looks change. */
export function looksOf({ quoted, ...item }, hasButtons) {
  return JSON.stringify([item, quoted?.text, quoted?.unsent, hasButtons]);
}

/** Draws an item of the chat as one person sees it, who can `quote` it, or `edit` it. */
export function drawItem(item, view, hasButtons) {
  const { user, people } = view;
  const name = people.get(item.user)?.name ?? "";
  if (item.by === "line") return h("li", { class: "day" }, t(item.type, { name, n: item.count }));
  if (item.unsent) return h("li", { class: "day" }, t("unsent", { name }));
  const isOwn = item.user === user.id;
  const meta = h(
    "span",
    { class: "meta" },
    isOwn && item.read ? h("span", {}, t("read")) : null,
    item.edited ? h("span", {}, t("edited")) : null,
    h("time", { datetime: new Date(item.at).toISOString() }, clock(item.at)),
  );
  if (item.by === "bot") return drawAnswer(item, view, meta, hasButtons);
  const acts = actsOf(item, view, isOwn);
  if (isOwn) return h("li", { class: "row user", tabindex: "-1" }, acts, meta, body(item, people));
  const index = [...people.keys()].indexOf(item.user);
  return h(
    "li",
    { class: "row other", tabindex: "-1" },
    face(name, index),
    h("div", { class: "words" }, h("span", { class: "sender" }, name), body(item, people)),
    meta,
    acts,
  );
}

/** Draws a message of the bot: its sender, its quote, and the buttons below it. */
function drawAnswer(item, view, meta, hasButtons) {
  const { text, sender, icon, buttons, free } = item;
  if (free) meta.prepend(h("span", { class: "free" }, t("free")));
  // The icon is not shown, because it would be loaded from another host. Its address is shown instead.
  const face = h(
    "span",
    { class: "face bot-face", "aria-hidden": "true", title: icon },
    sender ? [...sender][0] : "返",
  );
  const bubble = h("p", { class: "bubble", dir: "auto" }, quoteOf(item, view.people), text);
  const tapped = ({ text, data }) => (data ? view.tap(data, text) : text ? view.say(text) : view.attach());
  const tap = (button) => h("button", { type: "button", click: () => tapped(button) }, button.label);
  const quick =
    hasButtons &&
    buttons?.length > 0 &&
    h("div", { class: "quick", role: "group", "aria-label": t("quick") }, buttons.map(tap));
  const words = h("div", { class: "words" }, sender && h("span", { class: "sender" }, sender), bubble);
  return h(
    "li",
    {},
    h("div", { class: "row bot", tabindex: "-1" }, face, words, meta, actsOf(item, view, false)),
    quick,
  );
}

function actsOf(item, { chat, quote, edit }, isOwn) {
  const act = (name, sign, click) =>
    h("button", { type: "button", title: t(name), "aria-label": t(name), click }, sign);
  return h(
    "span",
    { class: "acts" },
    item.quotable ? act("quote", "❝", () => quote(item)) : null,
    isOwn && item.id && chat.isGroup && item.type === "text" ? act("edit", "✎", () => edit(item)) : null,
    isOwn && item.id ? act("unsend", "↶", () => does({ do: "unsend", message: item.n })) : null,
  );
}

/** Draws the quoted message of an item, with its sender. */
function quoteOf({ quoted }, people) {
  if (!quoted) return null;
  const name = quoted.by === "bot" ? "Henji" : (people.get(quoted.user)?.name ?? "");
  return h("q", { class: "quote" }, quoted.unsent ? t("unsent", { name }) : [h("b", {}, name), " ", briefly(quoted)]);
}

/** Describes an item in a few words. */
export function briefly({ type, text, place, file, stickerId, set }) {
  if (type === "text") return text;
  if (type === "sticker") return `${stickerOf(stickerId)} ${t("sticker")}`;
  if (type === "location") return `📍 ${place || t("location")}`;
  if (type === "file") return `📄 ${file ?? t("file")}`;
  return { image: `🖼 ${pictureOf(set)}`, audio: `🎤 ${t("voice")}`, video: `🎬 ${t("video")}` }[type] ?? type;
}

/** Names a picture, with its number among those that were sent at once. LINE may leave out the number. */
const pictureOf = (set) => (set?.index ? `${t("picture")} ${set.index}/${set.total}` : t("picture"));

const stickerOf = (id) => STICKERS[STICKER_IDS.indexOf(id)] ?? "🖼";

function body(item, people) {
  const { type, text, id, stickerId, set } = item;
  const src = `/dev/contents/${encodeURIComponent(id)}`;
  if (type === "sticker")
    return h("span", { class: "sticker", role: "img", "aria-label": t("sticker") }, stickerOf(stickerId));
  if (type === "image") return h("img", { class: "picture", src, alt: pictureOf(set) });
  if (type === "audio")
    return h("audio", { class: "voice", controls: true, preload: "none", src, "aria-label": t("voice") });
  if (type === "video")
    return h("video", { class: "picture", controls: true, preload: "none", src, "aria-label": t("video") });
  return h("p", { class: "bubble", dir: "auto" }, quoteOf(item, people), type === "text" ? text : briefly(item));
}
