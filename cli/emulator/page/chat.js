// The phones: one for each person, with the person's private chat with the bot, and with the groups.

import { drawItem, face, looksOf } from "./bubble.js";
import { composer, grow } from "./composer.js";
import { does, h } from "./dom.js";
import { t } from "./i18n.js";
import { chatsOf } from "./state.js";

const phones = new Map();

/** Draws a person's phone. Makes the phone first if needed, else draws only the changes. */
export function drawPhone(state, user, place) {
  let phone = phones.get(user.id);
  if (!phone) {
    phone = makePhone(state, user);
    phones.set(user.id, phone);
    place.append(phone.element);
    grow(phone.text);
  }
  phone.draw();
}

/** Removes every phone, so that it is drawn again from the start, for example in another language. */
export function forgetPhones() {
  for (const { element } of phones.values()) element.remove();
  phones.clear();
}

function makePhone(state, user) {
  let isAtEnd = true;
  let drawn = [];
  const people = state.users;
  // The data that only this page has: the open chat, the number of read items, and the drafts.
  const own = (user.page ??= { chat: user.id, read: new Map(), drafts: new Map() });
  const chat = () => state.chats.get(own.chat);
  const draft = () => {
    if (!own.drafts.has(own.chat)) own.drafts.set(own.chat, { text: "", quotes: null, edits: null });
    return own.drafts.get(own.chat);
  };
  let top = 0;
  const log = h("ol", {
    class: "log",
    role: "log",
    tabindex: "0",
    scroll: () => {
      // An item that comes between a scroll and its event moves the end away. So only scrolling up leaves the end.
      if (log.scrollHeight - log.scrollTop - log.clientHeight < 80) isAtEnd = true;
      else if (log.scrollTop < top) isAtEnd = false;
      top = log.scrollTop;
    },
  });
  const stayAtEnd = () => isAtEnd && (log.scrollTop = log.scrollHeight);
  // A picture has its height only after it is loaded.
  log.addEventListener("load", stayAtEnd, true);
  // The height changes when a phone gets narrower, and when the typing line or a longer draft takes space.
  new ResizeObserver(stayAtEnd).observe(log);
  const typing = h("p", { class: "typing", role: "status" });
  const status = h("small");
  const bot = h("button", { type: "button", class: "quiet-button", click: changeBot });
  const tabs = h("nav", { class: "tabs", "aria-label": t("chats_of", { name: user.name }) });
  const where = () => ({ user, people, chat: chat(), draft: draft() });
  const { form, text, attach, receive, draw: drawForm } = composer(where);
  const element = h(
    "article",
    { class: "phone", "data-user": user.id, paste: receive, dragover: receive, drop: receive },
    h("header", {}, face(user.name, [...people.keys()].indexOf(user.id)), h("h3", {}, user.name, " ", status), bot),
    tabs,
    log,
    typing,
    form,
  );

  function changeBot() {
    if (chat().isGroup) return does({ do: chat().bot ? "remove" : "invite", chat: own.chat });
    return does({ do: user.follows ? "unfollow" : "follow", user: user.id });
  }
  function open(id) {
    own.chat = id;
    forget();
    draw();
  }
  function forget() {
    drawn = [];
    isAtEnd = true;
    log.replaceChildren(h("li", { class: "day" }, t(chat().isGroup ? "empty_group" : "empty")));
    log.setAttribute(
      "aria-label",
      t("chat_of", { name: chat().isGroup ? `${user.name} · ${chat().name}` : user.name }),
    );
  }
  const act = (change) => (item) => {
    Object.assign(draft(), change(item));
    drawForm();
    text.focus();
  };
  const here = () => (chat().isGroup ? { chat: own.chat } : {});
  const view = {
    user,
    people,
    get chat() {
      return chat();
    },
    quote: act((item) => ({ quotes: item, edits: null })),
    edit: act((item) => ({ edits: item, quotes: null, text: item.text })),
    attach,
    say: (words) => does({ do: "say", user: user.id, text: words, ...here() }),
    tap: (data, text) => does({ do: "tap", user: user.id, data, text, ...here() }),
  };
  function draw() {
    const { items, isGroup, bot: hasBot } = chat();
    const can = isGroup || user.follows;
    const hadFocus = log.contains(document.activeElement);
    own.read.set(own.chat, items.length);
    status.textContent = isGroup
      ? chat()
          .members.map((id) => people.get(id)?.name)
          .join(", ")
      : `${languageOf(user)} · ${user.follows ? t("friend") : t("blocker")}`;
    bot.textContent = isGroup ? t(hasBot ? "remove" : "invite") : t(user.follows ? "block" : "unblock");
    items.forEach((item, i) => {
      // Buttons are shown until the next item comes, as on a real phone.
      const hasButtons = i === items.length - 1 && can;
      const looks = looksOf(item, hasButtons);
      if (drawn[i]?.looks === looks) return;
      const row = drawItem(item, view, hasButtons);
      if (drawn[i]) drawn[i].row.replaceWith(row);
      else {
        (item.set ? rowsOf(log, item) : log).append(row);
        // A person who sends a message wants to see it, also if they were reading older ones.
        isAtEnd ||= item.by === "user" && item.user === user.id;
      }
      drawn[i] = { looks, row };
    });
    drawTabs();
    drawForm();
    drawTyping(typing, chat());
    stayAtEnd();
    // The button that was tapped may be removed, as a quick reply is. The focus then goes to the log.
    if (hadFocus && !log.contains(document.activeElement)) log.focus({ preventScroll: true });
  }
  function drawTabs() {
    const groups = [...state.chats.values()].filter((chat) => chat.isGroup);
    const all = [...new Set([...chatsOf(state, user.id), ...groups])];
    const unread = (chat) => chat.items.length - (own.read.get(chat.id) ?? 0);
    const looks = JSON.stringify([own.chat, all.map((chat) => [chat.id, chat.name, chat.members, unread(chat) > 0])]);
    if (tabs.dataset.looks === looks) return;
    tabs.dataset.looks = looks;
    const focused = tabs.contains(document.activeElement) && document.activeElement.dataset.chat;
    tabs.replaceChildren(
      ...all.map((chat) => {
        if (!chat.members.includes(user.id))
          return h(
            "button",
            {
              type: "button",
              class: "quiet-button",
              "data-chat": chat.id,
              "aria-label": t("enter", { name: chat.name }),
              click: () => does({ do: "enter", user: user.id, chat: chat.id }),
            },
            `＋ ${chat.name}`,
          );
        const news = chat.id !== own.chat && unread(chat) > 0;
        return h(
          "button",
          {
            type: "button",
            "data-chat": chat.id,
            "aria-pressed": String(chat.id === own.chat),
            class: news ? "news" : "",
            click: () => open(chat.id),
          },
          chat.name,
          news ? h("span", { class: "only-read" }, ` (${t("news")})`) : null,
        );
      }),
    );
    if (focused) [...tabs.children].find((tab) => tab.dataset.chat === focused)?.focus();
  }
  forget();
  return { element, draw, text };
}

/** Returns the list of the pictures that were sent at once with this one. Makes it first if needed. */
function rowsOf(log, { set }) {
  let place = [...log.children].find((li) => li.dataset.set === set.id);
  if (!place) {
    place = h("li", { class: "set", "data-set": set.id }, h("ol"));
    log.append(place);
  }
  return place.firstElementChild;
}

function drawTyping(typing, chat) {
  const shows = chat.loadingUntil > Date.now();
  if (typing.hidden === !shows && typing.childElementCount === (shows ? 4 : 0)) return;
  typing.hidden = !shows;
  typing.replaceChildren(...(shows ? [h("i"), h("i"), h("i"), h("span", { class: "only-read" }, t("typing"))] : []));
}

/** Returns the name of a person's language in the page's language. */
function languageOf({ language }) {
  return new Intl.DisplayNames([document.documentElement.lang], { type: "language" }).of(language);
}
