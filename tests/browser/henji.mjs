// Starts a `henji dev` for each story, on a free port and with its own data directory, and opens a page on it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { chromium } from "playwright-core";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PROGRAM = process.env.HENJI ?? join(ROOT, "target/debug/henji");
/** The folder of the pictures. */
export const PICTURES = join(ROOT, "target/browser");

/** The people that henji dev begins with. */
export const [AOI, REN] = ["1", "2"].map((n) => `U${n.padStart(32, "0")}`);

/** The group that they have. */
export const GROUP = `C${"1".padStart(32, "0")}`;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
const running = new Set();
after(async () => {
  running.forEach((stop) => stop());
  await browser.close();
});

/** Starts henji dev with these arguments and variables; `stop` kills it. `printed` resolves with the first matching line. */
export async function start(args = [], variables = {}) {
  const data = mkdtempSync(join(tmpdir(), "henji-story-"));
  const { PATH, HOME } = process.env;
  const child = spawn(PROGRAM, ["dev", "--listen", "127.0.0.1:0", "--data", join(data, "data"), ...args], {
    cwd: data,
    env: { PATH, HOME, ...variables },
  });
  const lines = [];
  const waiting = [];
  const hear = (line) => {
    lines.push(line);
    waiting.forEach((check) => check());
  };
  createInterface(child.stdout).on("line", hear);
  createInterface(child.stderr).on("line", hear);
  child.on("close", () => hear("(it ended)"));
  const printed = (pattern) =>
    new Promise((resolve, reject) => {
      const check = () => {
        const found = lines.map((line) => line.match(pattern)).find(Boolean);
        if (found) resolve(found);
        else if (lines.at(-1) === "(it ended)") reject(new Error(lines.join("\n")));
      };
      waiting.push(check);
      check();
    });
  const stop = () => {
    running.delete(stop);
    child.kill("SIGKILL");
    rmSync(data, { recursive: true, force: true, maxRetries: 5 });
  };
  running.add(stop);
  const [, origin] = await printed(/(http:\/\/\S+:\d+)\//);
  return { origin, printed, stop, lines };
}

/** A page on a henji dev, with a method for each act of people on it. */
export class Desk {
  static async at(henji, look = {}) {
    const context = await browser.newContext({
      viewport: { width: 1440, height: 900 },
      locale: "en",
      reducedMotion: "reduce",
      ...look,
    });
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    const desk = new Desk(henji, page);
    await desk.opens();
    return desk;
  }

  constructor(henji, page) {
    this.henji = henji;
    this.page = page;
    this.faults = [];
    // Every complaint of the browser, above all a refused script, fails the story.
    page.on("pageerror", (error) => this.faults.push(error.message));
    page.on("console", (message) => message.type() === "error" && this.faults.push(message.text()));
    page.on("dialog", (dialog) => this.faults.push(`dialog: ${dialog.message()}`) && dialog.dismiss());
  }

  async opens() {
    await this.page.goto(this.henji.origin);
    await this.page.locator('#life[data-state="up"]').waitFor();
  }

  phone(user = AOI) {
    return this.page.locator(`.phone[data-user="${user}"]`);
  }

  async writes(text, user = AOI) {
    const box = this.phone(user).locator("textarea");
    await box.fill(text);
    await box.press("Enter");
  }

  /** Opens the group on a person's phone. */
  async opensGroup(user = AOI) {
    await this.phone(user).locator(".tabs").getByRole("button", { name: "Picnic" }).click();
  }

  /** Sends a file of a person. */
  async attaches(name, mimeType, buffer, user = AOI) {
    await this.phone(user).locator('.composer input[type="file"]').setInputFiles({ name, mimeType, buffer });
  }

  /** Sends an entry of the menu behind the smiling face: a sticker, a recording, a location. */
  async picks(name, user = AOI) {
    await this.phone(user).getByRole("button", { name: "Stickers and more" }).click();
    await this.phone(user).getByRole("button", { name, exact: true }).click();
  }

  /** Clicks a button of a message in a person's chat. */
  async act(text, name, user = AOI) {
    const row = this.phone(user).locator(".row", { hasText: text }).first();
    await row.hover();
    await row.getByRole("button", { name }).click();
  }

  /** Returns the text of the bot's n-th message to a person, counted from 0. */
  async says(n, user = AOI) {
    return this.phone(user).locator(".bot .bubble").nth(n).textContent();
  }

  /** Counts the bot's messages to a person. */
  async spoke(user = AOI) {
    return this.phone(user).locator(".bot .bubble").count();
  }

  /** Returns the card of the newest turn with this text, once it is in this state. */
  async turn(state, text) {
    const card = this.page.locator(`.turn[data-state="${state}"]`, { hasText: text }).first();
    await card.waitFor();
    return card;
  }

  /** Posts a step, as the page itself does. */
  async does(step) {
    const response = await fetch(`${this.henji.origin}/dev/steps`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: this.henji.origin },
      body: JSON.stringify(step),
    });
    assert.equal(response.status, 204, await response.text());
  }

  picture(name) {
    return this.page.screenshot({ path: join(PICTURES, `${name}.png`) });
  }
}

/** Runs a story on a new page; at its end it asserts that the browser has not complained. */
export function story(name, tell, { look, args = [], variables = {}, think = 0 } = {}) {
  test(name, { timeout: 60_000 }, async () => {
    const henji = await start(args, variables);
    try {
      const desk = await Desk.at(henji, look);
      await desk.does({ do: "think", ms: think });
      await tell(desk, henji);
      assert.deepEqual(desk.faults, []);
      await desk.page.context().close();
    } finally {
      henji.stop();
    }
  });
}
