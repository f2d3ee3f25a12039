// Groups: the speakers, the mentions, and messages that are not for the bot.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { AOI, GROUP, REN, story } from "./henji.mjs";

story("in a group each one sees who said what, and the bot hears nothing before it is invited", async (desk) => {
  await desk.opensGroup();
  await desk.opensGroup(REN);
  await desk.writes("Shall we have a picnic?");
  const heard = desk.phone(REN).locator(".row.other", { hasText: "Shall we have a picnic?" });
  assert.equal(await heard.locator(".sender").textContent(), "Aoi");
  await desk.writes("Yes! On Sunday.", REN);
  await desk.phone().locator(".row.other", { hasText: "On Sunday" }).waitFor();
  assert.equal(await desk.page.locator(".turn").count(), 0, "LINE tells the bot nothing");
  await desk.phone().getByRole("button", { name: "Invite Henji" }).click();
  await desk.phone(REN).getByText("Henji was invited").waitFor();
  await desk.page.locator(".turn", { hasText: "join" }).waitFor();
  // The private chat does not show the group's messages.
  await desk.phone(REN).getByRole("button", { name: "Henji", exact: true }).click();
  assert.equal(await desk.phone(REN).locator(".row").count(), 0);
  await desk.writes("hello group");
  await desk.phone(REN).locator(".tabs .news", { hasText: "Picnic" }).waitFor();
  await desk.opensGroup(REN);
  await desk.phone(REN).locator(".bubble", { hasText: "hello group" }).waitFor();
  await desk.picture("group");
});

story("a message is quoted, edited and taken back, from the keyboard too", async (desk) => {
  await desk.does({ do: "invite", chat: GROUP });
  await desk.opensGroup();
  await desk.opensGroup(REN);
  await desk.writes("At ten by the river");
  await desk.act("At ten by the river", "Quote", REN);
  await desk.phone(REN).locator(".about", { hasText: "Quoting At ten by the river" }).waitFor();
  await desk.page.keyboard.type("Make it eleven");
  await desk.page.keyboard.press("Enter");
  const answer = desk.phone().locator(".row.other", { hasText: "Make it eleven" });
  await answer.locator("q", { hasText: "Aoi At ten by the river" }).waitFor();
  assert.ok(await desk.phone(REN).locator(".about").isHidden());

  await desk.act("At ten by the river", "Edit");
  assert.equal(await desk.phone().locator("textarea").inputValue(), "At ten by the river");
  await desk.page.keyboard.press("Escape");
  assert.equal(await desk.phone().locator("textarea").inputValue(), "");
  await desk.act("At ten by the river", "Edit");
  await desk.writes("At eleven by the river");
  const edited = desk.phone(REN).locator(".row.other", { hasText: "At eleven by the river" });
  await edited.locator(".meta", { hasText: "edited" }).waitFor();
  await answer.locator("q", { hasText: "At eleven" }).waitFor();
  assert.equal(await desk.phone(REN).getByRole("button", { name: "Edit" }).count(), 1, "only one's own");

  await desk.act("At eleven by the river", "Unsend");
  await desk.phone(REN).locator(".day", { hasText: "Aoi unsent a message" }).waitFor();
  await answer.locator("q", { hasText: "unsent" }).waitFor();
  await desk.picture("group-quotes");
});

story("a group whose id is full of quotes is drawn like any other, and keeps the focus", async (desk) => {
  const groupId = "C\"'\\]é日本語";
  const says = async (text) => {
    const event = {
      type: "message",
      mode: "active",
      timestamp: Date.now(),
      webhookEventId: `01H${text}`,
      source: { type: "group", groupId, userId: AOI },
      replyToken: "r",
      message: { id: `1${text.length}`, type: "text", text },
    };
    const body = JSON.stringify({ destination: "U0", events: [event] });
    const signature = createHmac("sha256", "henji-dev").update(body).digest("base64");
    const response = await fetch(`${desk.henji.origin}/v1/line/bot/message/reply`, {
      method: "POST",
      headers: { "x-line-signature": signature },
      body,
    });
    assert.equal(response.status, 200);
  };
  await says("one");
  const tab = desk.phone().locator(".tabs").getByRole("button", { name: groupId });
  await tab.click();
  await tab.focus();
  // Another chat has news: the page builds the tabs again.
  await desk.does({ do: "invite", chat: GROUP });
  await says("three");
  await desk.phone().locator(".bubble", { hasText: "three" }).waitFor();
  assert.equal(await desk.page.evaluate(() => document.activeElement.dataset.chat), groupId);
});

story("somebody new comes into the group, and the bot is mentioned from a list", async (desk) => {
  await desk.page.locator("#join input").fill("Mei");
  await desk.page.getByRole("button", { name: "Add" }).click();
  const mei = desk.page.locator(".phone").nth(2);
  await desk.page.waitForFunction(() => {
    const [place, phone] = [document.querySelector("#phones"), document.querySelector(".phone:nth-child(3)")].map((e) =>
      e?.getBoundingClientRect(),
    );
    return phone && phone.right <= place.right;
  });
  await mei.getByRole("button", { name: "Join Picnic" }).click();
  await desk.opensGroup();
  await desk.phone().locator(".day", { hasText: "Mei joined the group" }).waitFor();
  await desk.phone().getByRole("button", { name: "Mention" }).click();
  await desk.phone().getByRole("button", { name: "@Mei" }).click();
  await desk.page.keyboard.type("welcome!");
  await desk.page.keyboard.press("Enter");
  await mei.getByRole("button", { name: "Picnic" }).click();
  await mei.locator(".row.other", { hasText: "@Mei welcome!" }).waitFor();
});

story("in a group the bot answers who mentions or quotes it, and knows who spoke", async (desk) => {
  await desk.does({ do: "invite", chat: GROUP });
  await desk.opensGroup();
  await desk.opensGroup(REN);
  await desk.writes("What a nice day");
  await desk.turn("skipped", "What a nice day");
  await desk.writes("@Henji what shall I bring?");
  await desk.turn("answered", "what shall I bring?");
  const answer = desk.phone(REN).locator(".row.bot", { hasText: "what shall I bring?" });
  await answer.waitFor();
  await desk.act("what shall I bring?”, got it", "Quote", REN);
  await desk.writes("And I?", REN);
  await desk.turn("answered", "And I?");
  assert.match(
    await desk.phone().locator(".bot .bubble").last().textContent(),
    /Ren: \[quotes your.*So far you told me 1 thing.*Aoi: what shall I bring/s,
  );
  await desk.writes("@Ren you too?");
  await desk.turn("skipped", "@Ren you too?");
  await desk.writes("@All hurry!");
  await desk.turn("skipped", "@All hurry!");
  await desk.picture("group-answers");
});

story("in a group a tap on a button reaches the bot without a call, and each one sees it", async (desk) => {
  await desk.does({ do: "invite", chat: GROUP });
  await desk.opensGroup();
  await desk.opensGroup(REN);
  await desk.writes("@Henji what a day");
  await desk.turn("answered", "what a day");
  await desk.phone(REN).getByRole("group", { name: "Quick replies" }).getByRole("button", { name: "使い方" }).click();
  const turn = await desk.turn("answered", "ヘルプ");
  const shown = desk.phone().locator(".row.other", { hasText: "ヘルプ" });
  assert.equal(await shown.locator(".sender").textContent(), "Ren");
  await desk.phone().locator(".row.bot", { hasText: "グループでは" }).waitFor();
  await turn.locator("summary").click();
  const webhook = await turn.locator("pre", { hasText: '"postback"' }).first().textContent();
  const [event] = JSON.parse(webhook).events;
  assert.deepEqual([event.type, event.source.groupId, event.source.userId], ["postback", GROUP, REN]);
});

story(
  "an edit before the answer counts, one after it does not, and one that mentions the bot asks",
  async (desk) => {
    await desk.does({ do: "invite", chat: GROUP });
    await desk.opensGroup();
    await desk.writes("@Henji what is a lemun?");
    await desk.turn("working", "lemun");
    await desk.act("lemun", "Edit");
    await desk.writes("@Henji what is a lemon?");
    const edits = desk.page.locator(".turn", { hasText: "✎" });
    await edits.filter({ hasText: "lemon" }).getByText("answered before").waitFor();
    const bubbles = desk.phone().locator(".row.bot .bubble");
    await bubbles.filter({ hasText: "what is a lemon?" }).waitFor();
    await desk.page.locator('#depth div[data-depth="in_flight"]', { hasText: "0" }).waitFor();
    await desk.act("what is a lemon?", "Edit");
    await desk.writes("@Henji what is a melon?");
    await desk.writes("just talking");
    await desk.turn("skipped", "just talking");
    await desk.turn("already", "✎ @Henji what is a melon?");
    await desk.act("just talking", "Edit");
    await desk.writes("just humming");
    await desk.turn("kept", "✎ just humming");
    await desk.act("just humming", "Edit");
    await desk.writes("@Henji now to you");
    await bubbles.filter({ hasText: "now to you" }).waitFor();
    const said = (await bubbles.allTextContents()).join();
    assert.doesNotMatch(said, /lemun/);
    assert.match(said, /“Aoi: what is a lemon\?”, got it.*・“Aoi: what is a melon\?”/s);
    await desk.turn("answered", "✎ @Henji now to you");
    await desk.picture("group-edits");
  },
  { think: 2500 },
);

story("a group that the bot was removed from ends in silence, and is forgotten", async (desk) => {
  await desk.does({ do: "invite", chat: GROUP });
  await desk.opensGroup();
  await desk.writes("@Henji we meet at ten");
  await desk.turn("answered", "we meet at ten");
  await desk.does({ do: "think", ms: 2500 });
  await desk.writes("@Henji are you still there?");
  await desk.turn("working", "still there");
  await desk.phone().getByRole("button", { name: "Remove Henji" }).click();
  await desk.phone().locator(".day", { hasText: "Henji was removed" }).waitFor();
  await desk.page.locator('#depth div[data-depth="in_flight"]', { hasText: "1" }).waitFor();
  await desk.page.locator('#depth div[data-depth="in_flight"]', { hasText: "0" }).waitFor();
  await desk.does({ do: "think", ms: 0 });
  await desk.phone().getByRole("button", { name: "Invite Henji" }).click();
  await desk.writes("@Henji when do we meet?");
  await desk.turn("answered", "when do we meet");
  assert.doesNotMatch(await desk.phone().locator(".row.bot .bubble").last().textContent(), /at ten|still there/);
  assert.ok(await desk.page.locator("#letters").isHidden());
});
