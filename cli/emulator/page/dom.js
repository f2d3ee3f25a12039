// Elements from data. Text becomes text nodes and nothing else, whoever wrote it.

import { t } from "./i18n.js";

/** An element with these attributes (functions listen, booleans are there or not) and children. */
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

/** Shows something for a moment to everyone, screen readers included. */
export function toast(text) {
  const place = document.getElementById("said");
  place.textContent = text;
  place.classList.add("shown");
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => place.classList.remove("shown"), 5000);
}

/** Does a step; what is wrong with it is shown. True if it was done. With `keepalive` also from a page that is left. */
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
