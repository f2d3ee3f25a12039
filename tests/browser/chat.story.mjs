// Messages of people on their phones, and the answers of the bot.

import assert from "node:assert/strict";
import { AOI, REN, Desk, story } from "./henji.mjs";

story("a first message is accepted at once, answered, and its way is shown", async (desk) => {
  await desk.writes("こんにちは");
  const turn = await desk.turn("answered", "こんにちは");
  assert.match(await desk.says(0), /「こんにちは」ですね/);
  assert.equal(await turn.locator(".way .done").count(), 6);
  assert.match(await turn.locator(".way li").first().textContent(), /\d+ ms of 2 s/);
  assert.match(await turn.locator(".way li").nth(3).textContent(), /→ \d+ tokens/);
  await desk.phone().locator(".user .meta", { hasText: "Read" }).waitFor();
  assert.match(await desk.page.locator("#model").textContent(), /stand-in/);
  await desk.picture("first-message");
});

story("the second turn is asked with the first one, and two people are apart", async (desk) => {
  await desk.writes("My cat is called Mochi");
  await desk.turn("answered", "Mochi");
  await desk.writes("What is she called?");
  await desk.turn("answered", "What is she");
  assert.match(await desk.says(1), /So far you told me 1 thing.*Mochi/s);
  await desk.writes("What is she called?", REN);
  await desk.phone(REN).locator(".bot .bubble").first().waitFor();
  assert.doesNotMatch(await desk.says(0, REN), /Mochi/);
  assert.equal(await desk.spoke(), 2);
  await desk.picture("two-people");
});

story("both people write the same at once and each is answered in their own chat", async (desk) => {
  await Promise.all([
    desk.does({ do: "say", user: AOI, text: "same words" }),
    desk.does({ do: "say", user: REN, text: "same words" }),
  ]);
  await desk.page.locator('.turn[data-state="answered"]').nth(1).waitFor();
  assert.deepEqual([await desk.spoke(AOI), await desk.spoke(REN)], [1, 1]);
});

story(
  "while the model thinks the bot is typing, until its answer",
  async (desk) => {
    await desk.writes("slowly, please");
    // This check is first, because the text is shown for a second only.
    await desk.page.locator(".way .active small", { hasText: /^[1-9]\d*\.\d s …/ }).waitFor();
    await desk.turn("working", "slowly");
    await desk.phone().locator(".typing:visible").waitFor();
    await desk.phone(REN).locator(".typing").waitFor({ state: "hidden" });
    await desk.picture("thinking");
    await desk.turn("answered", "slowly");
    await desk.phone().locator(".typing").waitFor({ state: "hidden" });
  },
  { think: 6000 },
);

story("a long answer comes in several bubbles", async (desk) => {
  await desk.writes("Tell me a long story");
  await desk.turn("answered", "long story");
  assert.ok((await desk.spoke()) > 1);
  const all = await desk.phone().locator(".bot .bubble").allTextContents();
  assert.match(all.join(""), /Chapter 1 .*Chapter 130 /s);
});

story("a message is unsent; the bot is blocked and unblocked", async (desk) => {
  await desk.writes("a slip of the tongue");
  await desk.turn("answered", "a slip of the tongue");
  await desk.act("a slip of the tongue", "Unsend");
  await desk.phone().getByText("Aoi unsent a message").waitFor();
  await desk.turn("forgot", "unsend");
  assert.equal(await desk.phone().locator(".row.user").count(), 0);

  await desk.phone().getByRole("button", { name: "Block" }).click();
  await desk.phone().getByText("Aoi blocked the bot").waitFor();
  const spoke = await desk.spoke();
  assert.ok(await desk.phone().locator("textarea").isDisabled());
  await desk.does({ do: "say", user: AOI, text: "Can you hear me?" });
  await desk.turn("answered", "Can you hear me?");
  assert.equal(await desk.spoke(), spoke, "nothing arrives at who blocked the bot");
  await desk.phone().getByRole("button", { name: "Unblock" }).click();
  await desk.phone().getByText("Aoi is a friend again").waitFor();
  await desk.phone().locator(".bot .bubble", { hasText: "Aoiさん、おかえりなさい" }).waitFor();
  await desk.picture("blocked");
});

story("buttons below the newest answer send their words, by keyboard too, in each one's language", async (desk) => {
  await desk.writes("こんにちは");
  await desk.turn("answered", "こんにちは");
  const quick = desk.phone().getByRole("group", { name: "Quick replies" });
  assert.deepEqual(await quick.getByRole("button").allTextContents(), ["🔁 もう一度", "❓ 使い方"]);
  await quick.getByRole("button", { name: "使い方" }).focus();
  await desk.page.keyboard.press("Enter");
  await desk.phone().locator(".user .bubble", { hasText: "ヘルプ" }).waitFor();
  await desk.turn("answered", "ヘルプ");
  assert.match(await desk.says(1), /「忘れて」/);
  assert.equal(await quick.count(), 1, "the buttons of before are gone");
  // An answer of the bot's own words costs nothing.
  await desk.phone().locator(".bot .free", { hasText: "free" }).waitFor();
  await (await desk.turn("answered", "ヘルプ")).locator(".way", { hasText: "replied, free" }).waitFor();

  await desk.writes("help", REN);
  await desk.phone(REN).locator(".bot .bubble", { hasText: "You can also send" }).waitFor();
  await desk.page.locator("#join input").fill("Somchai");
  await desk.page.locator("#join select").selectOption("th");
  await desk.page.getByRole("button", { name: "Add" }).click();
  const third = desk.page.locator(".phone").nth(2);
  await third.locator("h3", { hasText: "Thai" }).waitFor();
  await third.locator("textarea").fill("help");
  await third.locator("textarea").press("Enter");
  await third.locator(".bot .bubble", { hasText: "ลืม" }).waitFor();
  await desk.picture("quick-replies");
});

story(
  "an answer names its persona, and its question when another one came in between",
  async (desk) => {
    await desk.writes("ペルソナ：先生");
    await desk.turn("answered", "先生");
    await desk.writes("一つ目の質問");
    await desk.writes("二つ目の質問");
    await desk.turn("answered", "二つ目の質問");
    const answer = desk.phone().locator(".row.bot", { hasText: "「二つ目の質問」" });
    await answer.locator("q", { hasText: "Aoi 二つ目の質問" }).waitFor();
    assert.equal(await answer.locator(".sender").textContent(), "先生");
    assert.equal(await desk.phone().locator(".row.bot").first().locator("q").count(), 0);
    await desk.picture("persona-and-quote");
  },
  { think: 300 },
);

story("a menu closes on Escape and beside it, and the focus stays in the phone", async (desk) => {
  const phone = desk.phone();
  const smile = phone.getByRole("button", { name: "Stickers and more" });
  const focused = () => desk.page.evaluate(() => document.activeElement.getAttribute("aria-label"));
  const isOpen = async (is) => {
    assert.equal(await smile.getAttribute("aria-expanded"), String(is));
    assert.equal(await phone.getByRole("group", { name: "Stickers and more" }).isVisible(), is);
  };
  await smile.click();
  await isOpen(true);
  await desk.page.keyboard.press("Escape");
  await isOpen(false);
  assert.equal(await focused(), "Stickers and more");
  await smile.click();
  await phone.locator(".log").click();
  await isOpen(false);
  await desk.picks("Sticker 👋");
  await isOpen(false);
  assert.equal(await focused(), "Stickers and more");
  const quick = phone.getByRole("group", { name: "Quick replies" });
  await quick.getByRole("button", { name: "使い方" }).click();
  await desk.turn("answered", "ヘルプ");
  assert.equal(await focused(), "Chat of Aoi");
  await desk.act("ヘルプ", "Unsend");
  await phone.getByText("Aoi unsent a message").waitFor();
  assert.equal(await focused(), "Chat of Aoi");
});

story(
  "on a touch screen what can be done with a message shows at the first tap, and is done at the second",
  async (desk) => {
    await desk.does({ do: "say", user: AOI, text: "a slip of the finger, which is long enough to be broken" });
    const row = desk.phone().locator(".row.user");
    const bubble = row.locator(".bubble");
    await desk.phone().locator(".row.bot").waitFor();
    assert.ok((await bubble.boundingBox()).width > 200);
    const unsend = await row.getByRole("button", { name: "Unsend" }).boundingBox();
    const tap = () => desk.page.touchscreen.tap(unsend.x + unsend.width / 2, unsend.y + unsend.height / 2);
    await tap();
    await bubble.tap();
    assert.equal(await row.count(), 1);
    await tap();
    await desk.phone().getByText("Aoi unsent a message").waitFor();
  },
  { look: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true } },
);

story("Enter that ends a Japanese composition sends nothing", async (desk) => {
  const box = desk.phone().locator("textarea");
  await box.fill("にほんご");
  const press = (options) =>
    box.evaluate(
      (box, options) =>
        box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true, ...options })),
      options,
    );
  await press({ isComposing: true });
  await press({ keyCode: 229 });
  await press({ shiftKey: true });
  assert.equal(await box.inputValue(), "にほんご");
  assert.equal(await desk.phone().locator(".row.user").count(), 0);
  await press({});
  await desk.turn("answered", "にほんご");
  assert.equal(await desk.phone().locator(".row.user").count(), 1);
});

story("what people and the model write is text, never markup or script", async (desk) => {
  const hostile = `<img src=x onerror=alert(1)>"><script>alert(2)</script>{{7*7}}\u202E\u0000javascript:alert(3)`;
  await desk.does({ do: "join", user: `U${"a".repeat(32)}`, name: "<svg onload=a()>" });
  await desk.writes(hostile.replace("\u0000", ""));
  const turn = await desk.turn("answered", "onerror");
  await turn.locator("summary").click();
  await turn.locator("pre", { hasText: "onerror" }).first().waitFor();
  assert.match(await desk.says(0), /<img src=x onerror=/);
  assert.equal(await desk.page.locator('img[src="x"], #phones script, #phones svg, #pipeline script').count(), 0);
  await desk.does({ do: "model", fault: "refuses", once: true });
  await desk.writes("<b>bold</b>");
  await desk.page.locator("#letters b", { hasText: "<b>bold</b>" }).waitFor();
});

story(
  "a chat is at its end after a reload too, until one scrolls up, and then when one says something",
  async (desk) => {
    const log = desk.phone().locator(".log");
    const below = () => log.evaluate((log) => log.scrollHeight - log.scrollTop - log.clientHeight);
    const isSeen = (text) =>
      desk.page.waitForFunction(
        ([user, text]) => {
          const log = document.querySelector(`.phone[data-user="${user}"] .log`);
          const row = [...log.querySelectorAll(".row")].findLast((row) => row.textContent.includes(text));
          return row && row.getBoundingClientRect().bottom <= log.getBoundingClientRect().bottom;
        },
        [AOI, text],
      );
    await desk.does({ do: "say", user: AOI, text: "Tell me a long story" });
    await desk.turn("answered", "long story");
    for (const n of Array(30).keys()) await desk.does({ do: "say", user: AOI, text: `line ${n}` });
    await desk.page.locator('.turn[data-state="answered"]').nth(30).waitFor();
    await desk.opens();
    await desk.page.locator('.turn[data-state="answered"]').nth(30).waitFor();
    assert.ok((await below()) < 5, "at its end");
    await log.evaluate(
      (log) =>
        new Promise((done) => {
          log.addEventListener("scroll", done, { once: true });
          log.scrollTop = 100;
        }),
    );
    await desk.does({ do: "follow", user: AOI });
    await desk.phone().locator(".day", { hasText: "friend again" }).waitFor({ state: "attached" });
    assert.ok((await below()) > 500, "who reads is left alone");
    await desk.writes("what did you say?");
    await isSeen("what did you say?");
  },
);

story("two pages show the same, and a reload loses nothing", async (desk, henji) => {
  const other = await Desk.at(henji, { colorScheme: "dark" });
  await desk.writes("hello from here");
  await other.phone().locator(".bot .bubble", { hasText: "hello from here" }).waitFor();
  await other.writes("hello from there");
  await desk.turn("answered", "hello from there");
  const before = await desk.phone().locator(".bubble").allTextContents();
  assert.equal(before.length, 4);
  await desk.opens();
  await desk.phone().locator(".bubble").nth(3).waitFor();
  assert.deepEqual(await desk.phone().locator(".bubble").allTextContents(), before);
  assert.deepEqual(other.faults, []);
});

story("a tab that nobody sees holds no connection, and catches up when it is seen", async (desk) => {
  const see = (page, hidden) =>
    page.evaluate((hidden) => {
      Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);
  const tabs = [];
  // A browser opens at most six connections to a host.
  for (let n = 0; n < 6; n += 1) {
    const tab = new Desk(desk.henji, await desk.page.context().newPage());
    await see(n ? tabs[n - 1].page : desk.page, true);
    await tab.opens();
    tabs.push(tab);
  }
  await tabs[5].writes("can you all hear me?");
  await tabs[5].turn("answered", "hear me");
  assert.equal(await desk.spoke(), 0);
  await see(desk.page, false);
  await desk.turn("answered", "hear me");
  assert.equal(await desk.phone().locator(".row.user").count(), 1);
});
