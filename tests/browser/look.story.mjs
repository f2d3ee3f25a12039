// The looks of the page in both languages, light and dark, wide and narrow, and for people who do not see it.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { AOI, GROUP, REN, Desk, PICTURES, start, story } from "./henji.mjs";

const NARROW = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

/** Fills the page with an example of everything. */
async function fill(desk) {
  await desk.writes("おはよう！今日のお弁当はなにがいい？🍱");
  await desk.page.locator('.turn[data-state="answered"]').first().waitFor();
  await desk.writes("Hi! My train leaves at nine.", REN);
  await desk.page.locator('.turn[data-state="answered"]').nth(1).waitFor();
  await desk.writes("じゃあ、卵焼きも入れてね");
  await desk.page.locator('.turn[data-state="answered"]').nth(2).waitFor();
}

for (const [name, look] of [
  ["english-light", { locale: "en", colorScheme: "light" }],
  ["japanese-dark", { locale: "ja", colorScheme: "dark" }],
  ["phone-japanese-light", { ...NARROW, locale: "ja", colorScheme: "light" }],
  ["phone-english-dark", { ...NARROW, locale: "en", colorScheme: "dark" }],
]) {
  story(
    `${name} is readable, fits its screen, and names everything it offers`,
    async (desk) => {
      const narrow = name.startsWith("phone");
      await desk.does({ do: "say", user: AOI, text: "こんにちは" });
      await desk.does({ do: "model", fault: "refuses", once: true });
      await desk.does({ do: "say", user: REN, text: "hello" });
      await desk.page.locator(".turn").nth(1).waitFor({ state: "attached" });
      for (const view of narrow ? ["chats", "knobs", "pipeline"] : ["all"]) {
        if (narrow) await desk.page.locator(`.views [data-view="${view}"]`).click();
        if (view === "pipeline" || view === "all")
          await desk.page.locator('.turn[data-state="answered"]').first().waitFor();
        assert.equal(
          await desk.page.evaluate(() => document.documentElement.scrollWidth - innerWidth),
          0,
          "nothing sticks out",
        );
        assert.deepEqual(await desk.page.evaluate(faint), [], `${view}: contrast`);
        const names = await desk.page.locator("body").ariaSnapshot();
        assert.doesNotMatch(
          names,
          /- (button|textbox|combobox|slider|link)(:|\s*$|\s*\[)/m,
          `${view}: everything has a name`,
        );
        await desk.picture(`${name}-${view}`);
      }
      assert.equal(await desk.page.evaluate(() => document.documentElement.lang), look.locale);
    },
    { look },
  );
}

/** Returns the texts whose contrast is below 4.5 : 1 (3 : 1 for large text), with their contrast. Runs in the page. */
function faint() {
  const parse = (text) => {
    const canvas = (faint.canvas ??= Object.assign(document.createElement("canvas"), {
      width: 1,
      height: 1,
    }).getContext("2d", { willReadFrequently: true }));
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, under) => top.slice(0, 3).map((c, i) => c * top[3] + under[i] * (1 - top[3]));
  const luminance = (rgb) =>
    rgb
      .map((c) => c / 255)
      .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
      .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (e) =>
    e ? over(parse(getComputedStyle(e).backgroundColor), ground(e.parentElement)) : [255, 255, 255];
  const bad = [];
  for (const e of document.querySelectorAll("body *")) {
    const text = [...e.childNodes]
      .filter((n) => n.nodeType === 3)
      .map((n) => n.data.trim())
      .join("");
    const style = getComputedStyle(e);
    const box = e.getBoundingClientRect();
    if (
      !text ||
      e.tagName === "OPTION" ||
      e.disabled ||
      !box.width ||
      style.opacity === "0" ||
      !e.checkVisibility({ opacityProperty: true })
    )
      continue;
    const behind = ground(e);
    const [a, b] = [luminance(over(parse(style.color), behind)), luminance(behind)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < (parseFloat(style.fontSize) >= 24 ? 3 : 4.5)) bad.push(`${text.slice(0, 20)} ${ratio.toFixed(2)}`);
  }
  return bad;
}

story("language and theme are switched by hand and remembered; what is being done goes on", async (desk) => {
  await desk.phone().locator("textarea").fill("half a thought");
  await desk.does({ do: "think", ms: 3000 });
  await desk.page.locator("#shows button").first().click();
  await desk.page.getByRole("button", { name: "日本語で表示" }).click();
  await desk.page.getByRole("heading", { name: "壊してみる" }).waitFor();
  assert.equal(await desk.phone().locator("textarea").inputValue(), "half a thought");
  assert.equal(await desk.page.locator("#shows button:disabled").count(), 5);
  await desk.page.locator("#shows button:enabled").first().waitFor();
  await desk.page.locator("#theme").click();
  await desk.opens();
  await desk.page.getByRole("heading", { name: "パイプライン" }).waitFor();
  assert.equal(await desk.page.evaluate(() => document.documentElement.dataset.theme), "dark");
});

for (const [locale, width] of [
  ["en", 1280],
  ["ja", 1280],
  ["en", 820],
]) {
  story(
    `at ${width} pixels nothing is cut or runs into its neighbour (${locale})`,
    async (desk) => {
      await desk.does({ do: "say", user: AOI, text: "こんにちは" });
      await desk.does({ do: "say", user: REN, text: "hello" });
      await desk.page.locator('.turn[data-state="answered"]').nth(1).waitFor();
      await desk.does({ do: "model", fault: "refuses" });
      await desk.does({ do: "say", user: REN, text: "a delicate question, and a long one" });
      await desk.page.locator("#letters li").waitFor();
      await desk.page.locator(".turn summary").first().click();
      assert.deepEqual(await desk.page.evaluate(cut), []);
      await desk.picture(`cut-${width}-${locale}`);
    },
    { look: { viewport: { width, height: 860 }, locale } },
  );
}

/** Returns the elements that have too little room, or miss the line at which they should end. Runs in the page. */
function cut() {
  const all = (selector) => [...document.querySelectorAll(selector)].filter((e) => e.checkVisibility());
  const box = (e) => e.getBoundingClientRect();
  const ink = document.createElement("canvas").getContext("2d");
  const bad = [];
  for (const select of all("select")) {
    const style = getComputedStyle(select);
    ink.font = style.font;
    // The arrow of a select takes about 20 pixels.
    const room = select.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - 20;
    for (const { text } of select.options) if (ink.measureText(text).width > room) bad.push(`option ${text}`);
  }
  for (const stop of all(".way b, .way small"))
    if (stop.scrollWidth > stop.clientWidth) bad.push(`stop ${stop.textContent}`);
  for (const small of all(".way li:first-child small"))
    if (box(small).height > 20) bad.push(`wrapped ${small.textContent}`);
  for (const e of all("#join *")) if (box(e).left < 0) bad.push(`left ${e.textContent}`);
  for (const panel of all(".panel"))
    if (Math.abs(box(panel).right - box(document.querySelector(".tools")).right) > 1) bad.push("panel's edge");
  for (const shown of all("details[open]")) if (box(shown).width < box(shown.closest("li")).width) bad.push("raw JSON");
  for (const letter of all("#letters li"))
    if (box(letter.querySelector("button")).top > box(letter.querySelector("span")).top) bad.push("redrive");
  for (const text of all(".phone textarea")) {
    ink.font = getComputedStyle(text).font;
    if (ink.measureText(text.placeholder).width > text.clientWidth - 26) bad.push(text.placeholder);
  }
  return bad;
}

story(
  "what the server refuses is said in the page's language",
  async (desk) => {
    await desk.page.getByRole("button", { name: "最後のWebhookを再配信" }).click();
    await desk.page.locator("#said", { hasText: "まだ何も配信していません" }).waitFor();
    desk.faults.length = 0;
  },
  { look: { locale: "ja" } },
);

story("all of it can be done from the keyboard", async (desk) => {
  await desk.page.keyboard.press("Tab");
  assert.equal(await desk.page.evaluate(() => document.activeElement.className), "skip");
  await desk.phone().locator("textarea").focus();
  await desk.page.keyboard.type("typed");
  await desk.page.keyboard.press("Enter");
  await desk.turn("answered", "typed");
  assert.equal(await desk.page.evaluate(() => document.activeElement.tagName), "TEXTAREA", "the focus stays");
  await desk.page.keyboard.press("Tab");
  await desk.page.keyboard.press("Tab");
  assert.equal(await desk.page.evaluate(() => document.activeElement.closest("[data-user]")?.dataset.user), REN);
});

story(
  "the README's picture",
  async (desk) => {
    await fill(desk);
    await desk.does({ do: "think", ms: 3000 });
    await desk.page.getByRole("button", { name: "The worker dies" }).click();
    const killed = await desk.turn("answered", "Good morning");
    await killed.locator(".notes .attempt").waitFor();
    await desk.writes("それから、お茶もお願い🍵");
    await desk.writes("Wake me at eight, please!", REN);
    await desk.page
      .locator(".way .active small", { hasText: /^1\.\d s …/ })
      .first()
      .waitFor();
    await desk.picture("readme");
  },
  { look: { viewport: { width: 1360, height: 860 } }, think: 600 },
);

test(
  "a saved conversation is replayed word for word; a page whose henji is gone says so",
  { timeout: 60_000 },
  async () => {
    const first = await start();
    const file = join(PICTURES, "conversation.json");
    let desk = await Desk.at(first);
    await desk.does({ do: "think", ms: 0 });
    await fill(desk);
    await desk.does({ do: "sticker", user: AOI, sticker: 1 });
    await desk.does({ do: "line", fault: "loses", once: true });
    await desk.writes("keep this", REN);
    await desk.turn("answered", "keep this");
    await desk.does({ do: "voice", user: AOI, words: "and this" });
    await desk.turn("answered", "Voice");
    await desk.does({ do: "invite", chat: GROUP });
    await desk.opensGroup();
    await desk.phone().locator(".row.bot").waitFor();
    await desk.does({ do: "say", user: REN, chat: GROUP, text: "@Henji hello all" });
    await desk.turn("answered", "hello all");
    await desk.does({ do: "say", user: AOI, chat: GROUP, text: "me too", quotes: { answer: 1 } });
    await desk.turn("answered", "me too");
    const [download] = await Promise.all([
      desk.page.waitForEvent("download"),
      desk.page.getByRole("link", { name: "Save" }).click(),
    ]);
    await download.saveAs(file);
    // The page can replay its own file, also with people who are new to the bot.
    await desk.page.locator("#replay").setInputFiles(file);
    await desk.page.getByText("word for word").waitFor();
    writeFileSync(join(PICTURES, "broken.json"), "{");
    await desk.page.locator("#replay").setInputFiles(join(PICTURES, "broken.json"));
    await desk.page.getByText("no conversation saved by henji dev").waitFor();
    writeFileSync(join(PICTURES, "broken.json"), '{"henji_conversation": 99, "steps": []}');
    await desk.page.locator("#replay").setInputFiles(join(PICTURES, "broken.json"));
    await desk.page.getByText("Not replayed: it has version 99").waitFor();
    first.stop();
    await desk.page.getByText("henji dev does not answer").waitFor();
    assert.ok(await desk.page.locator("#life").isHidden(), "whether the pipeline runs nobody knows");

    const second = await start(["--replay", file]);
    await second.printed(/Replayed \d+ steps: \d+ messages from the bot, \d+ in the file, word for word the same/);
    desk = await Desk.at(second, { locale: "ja" });
    await desk.page.locator(".bubble", { hasText: "卵焼き" }).first().waitFor();
    await desk.picture("replayed");
    second.stop();
  },
);
