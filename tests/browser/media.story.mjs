// What is more than text: stickers, places, files.

import assert from "node:assert/strict";
import { REN, story } from "./henji.mjs";

story("stickers are taken by their words, places by their names; what says nothing is told politely", async (desk) => {
  await desk.picks("Sticker 💚");
  await desk.turn("answered", "Sticker");
  assert.match(await desk.says(0), /\[sticker: love\]/);
  await desk.picks("Sticker 🎂");
  await desk.phone().locator(".bot .bubble", { hasText: "Happy birthday!" }).waitFor();
  await desk.picks("Place");
  await desk.turn("answered", "東京駅");
  await desk.phone().locator(".bot .bubble", { hasText: "[location: 東京駅" }).waitFor();
  await desk.picks("Sticker 🌀", REN);
  await (await desk.turn("noticed", "Sticker")).locator(".way", { hasText: "free" }).waitFor();
  await desk.attaches("notes.pdf", "application/pdf", Buffer.from("%PDF-1.7"), REN);
  await desk.phone(REN).locator(".user .bubble", { hasText: "📄 notes.pdf" }).waitFor();
  await desk.turn("noticed", "notes.pdf");
  assert.equal(await desk.spoke(REN), 2);
  await desk.picture("stickers-and-places");
});
