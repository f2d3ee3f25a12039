// Messages that people unsend, conversations that they leave, and limits.

import assert from "node:assert/strict";
import { AOI, REN, story } from "./henji.mjs";

story("what is forgotten or unsent is in no later answer", async (desk) => {
  const phone = desk.phone();
  await desk.writes("My cat is called Mochi");
  await desk.turn("answered", "Mochi");
  await desk.writes("My dog is called Kuro");
  await desk.turn("answered", "Kuro");
  const dog = phone.locator(".row.user", { hasText: "Kuro" });
  await dog.hover();
  await dog.getByRole("button", { name: "Unsend" }).click();
  await phone.getByText("Aoi unsent a message").waitFor();
  await desk.turn("forgot", "unsend");
  await desk.writes("Who do I live with?");
  await desk.turn("answered", "live with");
  assert.match(await desk.says(2), /So far you told me 1 thing.*Mochi/s);

  await desk.writes("ヘルプ");
  await desk.turn("answered", "ヘルプ");
  await phone.getByRole("group", { name: "Quick replies" }).getByRole("button", { name: "忘れる" }).click();
  await phone.locator(".bot .bubble", { hasText: "忘れました" }).waitFor();
  await desk.writes("And now?");
  await desk.turn("answered", "And now?");
  assert.doesNotMatch(await desk.says(5), /Mochi|told me/);
  await desk.picture("forgotten");
});

story(
  "a message that is taken back while it waits is not answered",
  async (desk) => {
    await desk.writes("The first takes its time");
    await desk.turn("working", "takes its time");
    await desk.writes("A word too many");
    await desk.turn("queued", "A word too many");
    const word = desk.phone().locator(".row.user", { hasText: "A word too many" });
    await word.hover();
    await word.getByRole("button", { name: "Unsend" }).click();
    // The job of the unsend does not wait behind its message.
    await desk.turn("forgot", "unsend");
    await desk.turn("answered", "takes its time");
    await desk.turn("forgotten", "A word too many");
    assert.equal(await desk.spoke(), 1);
  },
  { think: 3000 },
);

story(
  "limits are told once, to each in their language",
  async (desk) => {
    for (const text of ["one", "two", "three"]) {
      await desk.writes(text);
      await desk.writes(text, REN);
    }
    await desk.phone().locator(".bot .bubble", { hasText: "また明日" }).waitFor();
    await desk.phone(REN).locator(".bot .bubble", { hasText: "tomorrow" }).waitFor();
    await desk.page.locator('.turn[data-state="answered"]').nth(3).waitFor();
    await desk.page.locator('.turn[data-state="silent"]').nth(1).waitFor();
    assert.deepEqual([await desk.spoke(AOI), await desk.spoke(REN)], [2, 2]);
    await desk.picture("limits");
  },
  { variables: { ANSWERS_PER_DAY: "1" } },
);

story(
  "who waits too long is told so, for free, and then answered",
  async (desk) => {
    await desk.writes("slowly, please");
    await desk.phone().locator(".bot .bubble", { hasText: "考えています" }).waitFor();
    await desk.phone().locator(".typing:visible").waitFor();
    await desk.turn("answered", "slowly");
    assert.equal(await desk.spoke(), 2);
  },
  { think: 2500, variables: { PATIENCE_SECONDS: "1" } },
);

story(
  "with reply-first an answer costs nothing",
  async (desk) => {
    await desk.does({ do: "quota", left: 0 });
    await desk.writes("for free?");
    const turn = await desk.turn("answered", "for free?");
    await turn.locator(".way", { hasText: "replied, free" }).waitFor();
  },
  { variables: { DELIVERY: "reply-first" } },
);
