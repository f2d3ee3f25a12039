// Faults between a message and its answer; the answer still comes once.

import assert from "node:assert/strict";
import { AOI, REN, story } from "./henji.mjs";

story("an event that LINE delivers twice is answered once", async (desk) => {
  await desk.page.getByRole("button", { name: "LINE delivers twice" }).click();
  const turn = await desk.turn("answered", "Good morning");
  await turn.locator(".notes .redelivered").waitFor();
  await desk.page.getByRole("button", { name: "Redeliver the last webhook" }).click();
  await turn.locator(".notes .redelivered").nth(1).waitFor();
  await desk.writes("and you?");
  await desk.turn("answered", "and you?");
  assert.equal(await desk.spoke(), 2);
  await desk.picture("redelivery");
});

story(
  "a worker that is killed in mid-turn, twice, answers once",
  async (desk) => {
    await desk.writes("will you survive this?");
    for (const attempt of [1, 2]) {
      await desk.page.locator(".way .active small", { hasText: "s …" }).waitFor();
      const pid = await desk.page.locator("#life").textContent();
      await desk.page.getByRole("button", { name: "Kill the worker" }).click();
      await desk.page.locator('#life[data-state="killed"]').waitFor();
      await desk.page
        .locator(".notes .attempt")
        .nth(attempt - 1)
        .waitFor();
      assert.notEqual(await desk.page.locator("#life").textContent(), pid);
    }
    const turn = await desk.turn("answered", "will you survive");
    assert.match(await turn.locator(".notes").textContent(), /Attempt 3 begins: the worker before it died/);
    await desk.writes("thank you");
    await desk.turn("answered", "thank you");
    assert.equal(await desk.spoke(), 2);
    await desk.picture("killed");
  },
  { think: 4000 },
);

story("who reloads in the middle of a show finds the model as it was", async (desk) => {
  await desk.page.getByRole("button", { name: "The worker dies" }).click();
  await desk.turn("working", "Good morning");
  await desk.opens();
  await desk.page.locator(".turn", { hasText: "Good morning" }).waitFor();
  await desk.page.locator("#knobs b", { hasText: /^0 s$/ }).waitFor();
});

story("a message that is sent while the pipeline is dead is delivered again, and answered", async (desk) => {
  await desk.does({ do: "kill" });
  await desk.page.locator('#life[data-state="killed"]').waitFor();
  await desk.writes("is anybody there?");
  const turn = await desk.turn("answered", "is anybody there?");
  await turn.locator(".notes .not_taken").first().waitFor();
  assert.equal(await desk.spoke(), 1);
});

story("an answer whose receipt LINE lost is pushed again under its key and arrives once", async (desk) => {
  await desk.page.getByRole("button", { name: "An answer is lost" }).click();
  const turn = await desk.turn("answered", "Good morning");
  await turn.locator(".notes .conflict").waitFor();
  assert.equal(await desk.spoke(), 1);
  assert.equal(await desk.page.locator('select[name="line"]').inputValue(), "", "it was for once");
  await desk.picture("lost-answer");
});

story("what the model refuses is a dead letter, its user is told, and a redrive answers it", async (desk) => {
  await desk.page.locator('select[name="model"]').selectOption("refuses");
  await desk.writes("a delicate question");
  const turn = await desk.turn("dead", "a delicate question");
  const letter = desk.page.locator("#letters li");
  assert.match(await letter.textContent(), /model_refused/);
  await turn.locator(".notes .told").waitFor();
  assert.match(await desk.says(0), /ごめんなさい/);
  await desk.page.locator('#depth .some[data-depth="dead_letters"]').waitFor();
  await desk.picture("dead-letter");
  await letter.getByRole("button", { name: "Redrive" }).click();
  await desk.turn("answered", "a delicate question");
  await desk.page.locator("#letters").waitFor({ state: "hidden" });
  assert.match(await desk.says(1), /a delicate question/);
  await desk.does({ do: "model", fault: "refuses" });
  await desk.writes("two more");
  await desk.writes("two more", REN);
  await letter.nth(1).waitFor();
  await desk.does({ do: "model" });
  await desk.page.getByRole("button", { name: "Redrive all" }).click();
  await desk.page.locator("#letters").waitFor({ state: "hidden" });
});

story("a model that fails for a while, and one that hangs, are waited for", async (desk) => {
  await desk.page.locator('select[name="model"]').selectOption("hangs");
  await desk.page.getByLabel("How often").first().selectOption("until I say stop");
  await desk.writes("take your time");
  await desk.page.locator(".way .active small", { hasText: "s …" }).waitFor();
  await desk.page.locator('select[name="model"]').selectOption("busy");
  const turn = await desk.turn("retry", "take your time");
  await turn.locator(".notes .again_in").first().waitFor();
  await desk.picture("retry");
  await desk.page.locator('select[name="model"]').selectOption("");
  await desk.turn("answered", "take your time");
  assert.equal(await desk.spoke(), 1);
});

story(
  "a fault for the next call waits for a call that begins after it",
  async (desk) => {
    const model = desk.page.locator('select[name="model"]');
    await desk.writes("the first one");
    await desk.page.locator(".way .active small", { hasText: "s …" }).waitFor();
    await model.selectOption("refuses");
    await desk.turn("answered", "the first one");
    assert.equal(await model.inputValue(), "refuses");
    await desk.writes("the second one");
    await desk.turn("dead", "the second one");
    assert.equal(await model.inputValue(), "");
  },
  { think: 4000 },
);

story("the month's messages are used up: the answer goes by the free reply", async (desk) => {
  await desk.does({ do: "line", fault: "broken" });
  await desk.page.locator("fieldset.on").waitFor();
  await desk.page.locator('select[name="line"]').selectOption("quota");
  await desk.writes("one too many");
  await desk.turn("answered", "one too many");
  assert.equal(await desk.spoke(), 1);
  assert.equal(await desk.page.locator("#letters li").count(), 0);
});

story("the raw JSON has signature and headers, hides credentials, and can be copied", async (desk) => {
  await desk.writes("show me");
  const turn = await desk.turn("answered", "show me");
  await turn.locator("summary").click();
  for (const part of [
    "x-line-signature",
    "/v2/bot/message/push",
    "/v2/bot/chat/loading/start",
    "/v1/chat/completions",
  ]) {
    await turn.locator("details", { hasText: part }).waitFor();
  }
  const wire = await turn.locator("details").textContent();
  assert.match(wire, /x-line-signature: [\w+/]{43}=/);
  assert.match(wire, /x-line-retry-key: [0-9a-f-]{36}/);
  assert.match(wire, /Bearer •+/);
  assert.doesNotMatch(await desk.page.content(), /Bearer henji-dev/);
  await turn.getByRole("button", { name: "Copy" }).first().click();
  const copied = JSON.parse(await desk.page.evaluate(() => navigator.clipboard.readText()));
  assert.equal(copied.events[0].source.userId, AOI);
  // A page over plain HTTP from another machine has no clipboard.
  await desk.page.evaluate(() => {
    window.clipboard = navigator.clipboard;
    Object.defineProperty(navigator, "clipboard", { value: undefined });
  });
  await turn.getByRole("button", { name: "Copy" }).nth(1).click();
  await desk.page.waitForFunction(async () => !(await window.clipboard.readText()).includes("events"));
  await turn.locator(".exchange").first().scrollIntoViewIfNeeded();
  await desk.picture("raw-json");
});

story(
  "messages that wait together are answered together, and the page says with which",
  async (desk) => {
    await desk.writes("first of all");
    await desk.turn("working", "first of all");
    // The messages are sent one after the other, because LINE delivers each alone.
    for (const text of ["one", "two", "three"]) {
      await desk.writes(text);
      await desk.turn("queued", text);
    }
    await desk.turn("answered", "three");
    for (const text of ["one", "two"])
      await (await desk.turn("merged", text)).locator(".outcome", { hasText: "answered with a later one" }).waitFor();
    assert.equal(await desk.spoke(AOI), 2);
  },
  { think: 3000, variables: { BURST: "merge" } },
);
