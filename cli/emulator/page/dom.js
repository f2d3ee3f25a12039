// Elements from data. Text always becomes text nodes, so that text from people and from the bot cannot become HTML.

import { t } from "./i18n.js";

/** Makes an element with these attributes (a function is a listener, a boolean sets or omits it) and children. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

/** Shows a text for a moment; screen readers read it, too. */
export function toast(text) {
  const place = document.getElementById("said");
  place.textContent = text;
  place.classList.add("shown");
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => place.classList.remove("shown"), 5000);
}

/** Posts a step; shows the error if it fails. True if it was done. With `keepalive` also while the page closes. */
export async function does(step, { keepalive = false } = {}) {
  try {
    const response = await fetch("/dev/steps", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(step),
      keepalive,
    });
    if (response.ok) return true;
    toast(t((await response.json()).message));
  } catch {
    toast(t("lost"));
  }
  return false;
}
