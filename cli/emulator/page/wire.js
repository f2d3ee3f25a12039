// The raw requests and answers with their headers, to read and to copy.

import { h, toast } from "./dom.js";
import { t } from "./i18n.js";
import { parsed } from "./state.js";

/** Draws each exchange as a section. */
export function exchangesOf(exchanges) {
  return exchanges.map(drawExchange);
}

function drawExchange(exchange) {
  const { kind, method, path, status, broken, error, ms, ended } = exchange;
  const how = ended
    ? `${status ?? error ?? t(broken === "abandoned" ? "abandoned" : "broken")} · ${ms} ms`
    : t("no_answer_yet");
  const name = kind === "webhook" ? `${t("webhook")} ${method} ${path ?? ""}` : `${method} ${path}`;
  return h(
    "section",
    { class: "exchange" },
    h("h4", {}, h("code", {}, name), " ", h("span", {}, how)),
    part(t("request"), exchange.headers, exchange.body),
    ended && exchange.answer != null ? part(t("response"), exchange.answerHeaders, exchange.answer) : null,
  );
}

function part(title, headers, body) {
  const head = Object.entries(headers ?? {})
    .map(([name, value]) => `${name}: ${value}`)
    .join("\n");
  const json = parsed(body);
  const text = json === undefined ? body : JSON.stringify(json, null, 2);
  const words = h("pre", { tabindex: "0" }, text);
  const copy = h(
    "button",
    {
      type: "button",
      class: "quiet-button",
      click: async () => {
        // Browsers give no clipboard to a page that comes over plain HTTP from another machine.
        if (navigator.clipboard) await navigator.clipboard.writeText(body);
        else {
          getSelection().selectAllChildren(words);
          if (!document.execCommand("copy")) return toast(t("not_copied"));
        }
        toast(t("copied"));
      },
    },
    t("copy"),
  );
  return h(
    "div",
    { class: "part" },
    h("h5", {}, title, " ", body ? copy : null),
    h("pre", { class: "head", tabindex: "0" }, head),
    body ? words : null,
  );
}
