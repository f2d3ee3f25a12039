// The composer of a phone: it sends text, stickers, pictures, files, a voice or a location. It shows the quoted or edited item.

import { STICKERS, briefly } from "./bubble.js";
import { does, h, toast } from "./dom.js";
import { t } from "./i18n.js";

/** The longest side of a picture in pixels. A larger picture is made smaller before it is sent. */
const PICTURE_MAX = 1280;
/** The largest file in bytes. Its base64 is a little smaller than the largest step that the server accepts. */
const FILE_MAX = 23_000_000;
const PLACE = { title: "東京駅", address: "東京都千代田区丸の内1丁目", latitude: 35.681236, longitude: 139.767125 };

/** Makes the form of a phone. `where` returns its user, its open chat and the draft; it sends into that chat. */
export function composer(where) {
  const send = (step) => {
    const { user, chat } = where();
    return does({ ...step, user: user.id, ...(chat.isGroup ? { chat: chat.id } : {}) });
  };
  const text = h("textarea", {
    rows: 1,
    enterkeyhint: "send",
    input: () => {
      where().draft.text = text.value;
      grow(text);
    },
    keydown: (event) => {
      if (event.key === "Escape" && (where().draft.quotes || where().draft.edits)) return drop();
      // An Enter that ends a Japanese composition chooses a word, and must not send the text (229: Safari).
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      form.requestSubmit();
    },
  });
  const about = h("p", { class: "about", hidden: true });
  const mentions = h("div", { class: "menu mentions", hidden: true, role: "group", "aria-label": t("mention") });
  const more = h(
    "div",
    { class: "menu", hidden: true, role: "group", "aria-label": t("more") },
    h(
      "div",
      { class: "stickers" },
      STICKERS.map((face, sticker) => pick(`${t("sticker")} ${face}`, face, () => send({ do: "sticker", sticker }))),
    ),
    h(
      "div",
      { class: "others" },
      pick(t("voice"), `🎤 ${t("voice")}`, sendVoice),
      pick(t("silence"), `🎤 ${t("silence")}`, () => send({ do: "voice", words: "" })),
      pick(t("location"), `📍 ${t("location")}`, () => send({ do: "location", ...PLACE })),
    ),
  );
  const picked = () => {
    attach(send, [...file.files]);
    file.value = "";
  };
  const file = h("input", { type: "file", multiple: true, "aria-label": t("attach"), change: picked });
  const opens = (menu, name, sign) =>
    h(
      "button",
      {
        type: "button",
        class: "icon",
        title: t(name),
        "aria-label": t(name),
        "aria-expanded": "false",
        click: () => toggle(menu),
      },
      sign,
    );
  const smile = opens(more, "more", "☺");
  const at = opens(mentions, "mention", "@");
  const open = () => [more, mentions].find((menu) => !menu.hidden);
  const form = h(
    "form",
    { class: "composer", submit, keydown: ({ key }) => key === "Escape" && open() && toggle(open()) },
    more,
    mentions,
    about,
    smile,
    h("label", { class: "icon", title: t("attach") }, h("span", { "aria-hidden": "true" }, "＋"), file),
    at,
    text,
    h("button", { type: "submit", class: "send", title: t("send"), "aria-label": t("send") }, "➤"),
  );

  /** Shows or hides this menu, and hides the other one. Moves the focus into the menu, or back to its button. */
  function toggle(menu) {
    for (const [other, button] of [
      [more, smile],
      [mentions, at],
    ]) {
      if (other === menu && !other.hidden) button.focus();
      other.hidden = other !== menu || !other.hidden;
      button.setAttribute("aria-expanded", String(!other.hidden));
    }
    if (menu && !menu.hidden) menu.querySelector("button").focus();
    document[more.hidden && mentions.hidden ? "removeEventListener" : "addEventListener"]("pointerdown", hideMenus);
  }
  function hideMenus({ target }) {
    if (![more, smile, mentions, at].some((part) => part.contains(target))) toggle();
  }
  function pick(label, face, click) {
    return h(
      "button",
      {
        type: "button",
        "aria-label": label,
        click: ({ target }) => {
          toggle(target.closest(".menu"));
          click();
        },
      },
      face,
    );
  }
  /** Sends files that are pasted, or dropped. A clipboard that has a text is pasted as a text. */
  function receive(event) {
    const { files, types } = event.clipboardData ?? event.dataTransfer;
    if (file.disabled || !types.includes("Files") || types.includes("text/plain")) return;
    event.preventDefault();
    if (event.type !== "dragover") attach(send, [...files]);
  }
  /** Sends a voice with the words of the draft, or with sample words if the draft is empty. */
  async function sendVoice() {
    const { draft } = where();
    const words = text.value.trim();
    if ((await send({ do: "voice", words: words || t("sample_voice") })) && words) clear(draft);
  }
  function clear(draft) {
    Object.assign(draft, { text: "", quotes: null, edits: null });
    draw();
  }
  function drop() {
    const { draft } = where();
    if (draft.edits) draft.text = "";
    Object.assign(draft, { quotes: null, edits: null });
    draw();
    text.focus();
  }
  async function submit(event) {
    event.preventDefault();
    const { draft } = where();
    const { quotes, edits } = draft;
    const words = text.value;
    if (!words.trim()) return;
    clear(draft);
    const what = quotes && (quotes.by === "bot" ? { answer: quotes.n } : { message: quotes.n });
    const done = edits
      ? await does({ do: "edit", message: edits.n, text: words })
      : await send({ do: "say", text: words, ...(what ? { quotes: what } : {}) });
    if (done || draft.text) return;
    Object.assign(draft, { text: words, quotes, edits });
    draw();
  }
  /** Shows the draft of the open chat. */
  function draw() {
    const { user, chat, people, draft } = where();
    const can = chat.isGroup || user.follows;
    for (const control of form.elements) control.disabled = !can;
    const name = chat.isGroup ? `${user.name} · ${chat.name}` : user.name;
    for (const attribute of ["aria-label", "placeholder"])
      text.setAttribute(attribute, t(attribute === "placeholder" ? "writes" : "write_to", { name }));
    if (text.value !== draft.text) text.value = draft.text;
    grow(text);
    at.hidden = !chat.isGroup;
    if (at.hidden && !mentions.hidden) toggle();
    const names = [
      "Henji",
      ...chat.members.filter((id) => id !== user.id).map((id) => people.get(id)?.name),
      "All",
    ].filter(Boolean);
    const looks = names.join("\n");
    if (mentions.dataset.looks !== looks)
      mentions.replaceChildren(...names.map((name) => pick(`@${name}`, `@${name}`, () => insert(`@${name} `))));
    mentions.dataset.looks = looks;
    const item = draft.edits ?? draft.quotes;
    about.hidden = !item;
    if (item)
      about.replaceChildren(
        h("span", {}, t(draft.edits ? "editing" : "quoting"), " ", h("q", {}, briefly(item))),
        h("button", { type: "button", class: "quiet-button", "aria-label": t("cancel"), click: drop }, "✕"),
      );
  }
  function insert(words) {
    text.setRangeText(words, text.selectionStart, text.selectionEnd, "end");
    where().draft.text = text.value;
    text.focus();
  }
  return { form, text, attach: () => file.click(), receive, draw };
}

/** Makes a text field as high as its text. */
export function grow(text) {
  text.style.height = "auto";
  // In a hidden view every height is 0.
  if (text.scrollHeight) text.style.height = `${Math.min(text.scrollHeight, 140)}px`;
}

/** Sends files, all pictures at once. Pictures are made smaller; other files, and broken pictures, are sent unchanged. */
async function attach(send, files) {
  const smallers = await Promise.all(files.map(smaller));
  const pictures = smallers.filter(Boolean);
  if (pictures.length === 1) await send({ do: "picture", base64: pictures[0] });
  if (pictures.length > 1) await send({ do: "pictures", base64: pictures });
  for (const file of files.filter((_, i) => !smallers[i])) await sendFile(send, file);
}

async function sendFile(send, file) {
  if (file.size > FILE_MAX) return toast(t("too_big"));
  const base64 = await new Promise((resolve) => {
    const reader = Object.assign(new FileReader(), { onload: () => resolve(reader.result.split(",")[1] ?? "") });
    reader.readAsDataURL(file);
  });
  await send({ do: "file", name: file.name, base64 });
}

async function smaller(file) {
  if (!file.type.startsWith("image/")) return undefined;
  try {
    const bitmap = await createImageBitmap(file);
    const scale = Math.min(1, PICTURE_MAX / Math.max(bitmap.width, bitmap.height));
    const canvas = h("canvas", { width: Math.round(bitmap.width * scale), height: Math.round(bitmap.height * scale) });
    canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    return canvas.toDataURL("image/jpeg", 0.85).split(",")[1];
  } catch {
    return undefined;
  }
}
