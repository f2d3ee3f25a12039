// Messages other than text: images, recordings, stickers, locations, files.

import assert from "node:assert/strict";
import { GROUP, REN, story } from "./henji.mjs";

const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

story("a picture is seen, also by a text that quotes it; a broken one is told, and is no dead letter", async (desk) => {
  await desk.attaches("dot.png", "image/png", Buffer.from(PNG, "base64"));
  const picture = desk.phone().locator("img.picture");
  await picture.waitFor();
  assert.ok(await picture.evaluate((img) => img.decode().then(() => img.naturalWidth > 0)));
  const turn = await desk.turn("answered", "Picture");
  assert.match(await desk.says(0), /👀 image\/jpeg, \d+ bytes/);
  await turn.locator("summary").click();
  await turn.locator("pre", { hasText: /data:image\/jpeg;base64,… \(\d+ characters\)/ }).waitFor();

  await picture.hover();
  await desk.phone().locator(".row.user").first().getByRole("button", { name: "Quote" }).click();
  await desk.writes("What is on it?");
  await desk.turn("answered", "What is on it?");
  assert.match(await desk.says(1), /👀 image\/jpeg.*What is on it/s);

  await desk.attaches(
    "broken.jpg",
    "image/jpeg",
    Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(200)]),
    REN,
  );
  await desk.phone(REN).locator(".bot .bubble").first().waitFor();
  await desk.writes("never mind", REN);
  await desk.turn("answered", "never mind");
  assert.ok(await desk.page.locator("#letters").isHidden());
  await desk.picture("pictures");
});

/** Returns the image set of each picture that was sent at once with others, from the webhooks that the pipeline view shows. */
async function setsOf(desk, total) {
  const sets = [];
  for (let index = 1; index <= total; index += 1) {
    const turn = desk.page.locator(".turn", { hasText: `Picture ${index}/${total}` });
    await turn.locator("summary").click();
    const webhook = turn.locator(".exchange", { hasText: "Webhook" }).locator("pre", { hasText: "imageSet" });
    const { events } = JSON.parse(await webhook.textContent());
    assert.equal(events.length, 1, "each picture has its own webhook");
    sets.push(events[0].message.imageSet);
  }
  return sets;
}

story("pictures that are picked, dropped or pasted together are shown together, and are one set", async (desk) => {
  const dots = ["a.png", "b.png", "c.png"].map((name) => ({
    name,
    mimeType: "image/png",
    buffer: Buffer.from(PNG, "base64"),
  }));
  await desk.phone().locator('.composer input[type="file"]').setInputFiles(dots);
  const set = desk.phone().locator(".set");
  for (const index of [1, 2, 3]) await set.getByRole("img", { name: `Picture ${index}/3` }).waitFor();
  assert.equal(await desk.phone().locator("img.picture").count(), 3);
  const sets = await setsOf(desk, 3);
  assert.deepEqual(
    sets.map(({ index, total }) => [index, total]),
    [
      [1, 3],
      [2, 3],
      [3, 3],
    ],
  );
  assert.equal(new Set(sets.map(({ id }) => id)).size, 1);

  await desk.does({ do: "invite", chat: GROUP });
  await desk.opensGroup();
  await desk.opensGroup(REN);
  const gives = (event, count) =>
    desk
      .phone(REN)
      .locator("textarea")
      .evaluate(
        (box, [event, count, png]) => {
          const files = new DataTransfer();
          const bytes = Uint8Array.from(atob(png), (c) => c.charCodeAt(0));
          for (let n = 0; n < count; n += 1) files.items.add(new File([bytes], `${n}.png`, { type: "image/png" }));
          const options = { bubbles: true, cancelable: true, clipboardData: files, dataTransfer: files };
          box.dispatchEvent(event === "drop" ? new DragEvent(event, options) : new ClipboardEvent(event, options));
        },
        [event, count, PNG],
      );
  // The webhook is taken late, when all cards are drawn already.
  await desk.does({ do: "kill" });
  await desk.does({ do: "pictures", user: REN, base64: Array(5).fill(PNG), chat: GROUP, one_webhook: true });
  for (const index of [1, 2, 3, 4, 5]) await desk.turn("skipped", `Picture ${index}/5`);

  await gives("drop", 4);
  const dropped = desk.phone().locator(".set").last();
  await dropped.getByRole("img", { name: "Picture 4/4" }).waitFor();
  assert.equal(await dropped.locator(".sender:visible").count(), 1, "their sender is named once");
  await gives("paste", 2);
  await desk.phone(REN).locator(".set").nth(2).locator("img").nth(1).waitFor();
  await gives("paste", 1);
  await desk.phone(REN).locator(".log > .row img").waitFor();
  assert.equal(await desk.phone(REN).locator(".set").count(), 3, "one picture is no set");
  await desk.phone(REN).locator(".set").first().locator(".row").first().hover();
  await desk.phone(REN).locator(".set").first().getByRole("button", { name: "Unsend" }).first().click();
  await desk.phone().locator(".set").first().getByText("Ren unsent a message").waitFor();
  await desk.picture("sets-of-pictures");
});

story("what the bot cannot read brings a button that opens the photos", async (desk) => {
  await desk.attaches("backup.zip", "application/zip", Buffer.from("PK\x03\x04 and so on"), REN);
  const photos = desk.phone(REN).getByRole("button", { name: "Photos" });
  const [chooser] = await Promise.all([desk.page.waitForEvent("filechooser"), photos.click()]);
  assert.ok(chooser.isMultiple());
  await chooser.setFiles({ name: "dot.png", mimeType: "image/png", buffer: Buffer.from(PNG, "base64") });
  await desk.phone(REN).locator("img.picture").waitFor();
  await desk.turn("answered", "Picture");
});

story("a voice is heard, shown as it was understood, and answered; silence is told", async (desk) => {
  await desk.phone().locator("textarea").fill("Where did I leave my keys?");
  await desk.picks("Voice");
  await desk.phone().locator("audio.voice").waitFor();
  assert.equal(await desk.phone().locator("textarea").inputValue(), "", "what was written was said");
  await desk.turn("answered", "Voice");
  assert.match(await desk.says(0), /🎤 「Where did I leave my keys\?」/);
  assert.match(await desk.says(1), /“Where did I leave my key…”, got it!/);
  await desk.picks("Silence", REN);
  await desk.phone(REN).locator(".bot .bubble", { hasText: "Sorry" }).waitFor();
  assert.ok(await desk.page.locator("#letters").isHidden());
  await desk.picture("voices");
});

story("a voice that LINE still prepares is waited for, and one that it never can is told", async (desk) => {
  await desk.page.locator('select[name="contents"]').selectOption("slow");
  await desk.phone().locator("textarea").fill("Patience, please");
  await desk.picks("Voice");
  const turn = await desk.turn("answered", "Voice");
  assert.match(await desk.says(0), /Patience, please/);
  await turn.locator("summary").click();
  await turn.locator("h4", { hasText: "202" }).first().waitFor();
  await desk.page.locator('select[name="contents"]').selectOption("fails");
  await desk.picks("Voice", REN);
  await desk.phone(REN).locator(".bot .bubble", { hasText: "Sorry" }).waitFor();
  assert.ok(await desk.page.locator("#letters").isHidden());
});

story(
  "stickers are taken by their words, places by their names, a PDF is read; what says nothing is told politely",
  async (desk) => {
    await desk.picks("Sticker 💚");
    await desk.turn("answered", "Sticker");
    assert.match(await desk.says(0), /\[sticker: love\]/);
    await desk.picks("Sticker 🎂");
    await desk.phone().locator(".bot .bubble", { hasText: "Happy birthday!" }).waitFor();
    await desk.picks("Place");
    await desk.turn("answered", "東京駅");
    await desk.phone().locator(".bot .bubble", { hasText: "[location: 東京駅" }).waitFor();
    await desk.picks("Sticker 🌀", REN);
    await (await desk.turn("noticed", "🌀 Sticker")).locator(".way", { hasText: "free" }).waitFor();
    await desk.attaches("notes.pdf", "application/pdf", Buffer.from("%PDF-1.7"), REN);
    await desk.phone(REN).locator(".user .bubble", { hasText: "📄 notes.pdf" }).waitFor();
    await desk.turn("answered", "notes.pdf");
    await desk.attaches("photo.heic", "image/heic", Buffer.from("\0\0\0\x18ftypheic\0\0\0\0mif1heic"), REN);
    await desk.phone(REN).locator(".user .bubble", { hasText: "📄 photo.heic" }).waitFor();
    await desk.turn("answered", "photo.heic");
    assert.equal(await desk.spoke(REN), 3);
    await desk.picture("stickers-and-places");
  },
);
