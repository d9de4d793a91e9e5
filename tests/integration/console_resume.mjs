/**
 * The console page in a real browser, whose connection is cut in the middle of an answer.
 *
 *   node console_resume.mjs BASE_URL DOOR QUESTION
 *
 * Asks; says {"read": text, "notices": [text, …]} once the page shows something, reads a line and disconnects, says {"cut": true}, reads
 * a line and connects again, says {"whole": text, "note": note} once the answer has ended and it has disconnected, and
 * reads a last line, closes the browser and says {"left": true}. NODE_MODULES_DIR and CHROMIUM as for console_test.mjs.
 */

import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const modules = resolve(process.env.NODE_MODULES_DIR ?? resolve(here, "../node/node_modules"));
const { chromium } = createRequire(`${modules}/`)("playwright-core");

const [baseUrl, door, question] = process.argv.slice(2).map((text) => JSON.parse(text));
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const tell = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
try {
  const page = await browser.newPage();
  const state = (name) => page.locator(`#state[data-state=${name}]`).waitFor({ state: "attached" });
  const answer = page.locator("#chat-log .turn.assistant").last();
  page.setDefaultTimeout(20_000);
  await page.goto(`${baseUrl}/console`);
  await page.locator("body[data-ready=true]").waitFor({ state: "attached" });
  await page.click("#acquire");
  await page.locator("#token", { hasText: /^\*\*\*.{4}$/ }).waitFor();
  await page.fill("#server", baseUrl);
  await page.selectOption("#door", door);
  await page.click("#connect");
  await state("open");
  await page.fill("#chat-input", question);
  await page.press("#chat-input", "Enter");
  await answer.locator("p", { hasText: /./ }).waitFor();
  const notices = await page.locator("#chat-log .turn.notice p").allTextContents();
  tell({ read: await answer.locator("p").textContent(), notices });
  await lines.next();
  await page.click("#disconnect");
  await state("closed");
  tell({ cut: true });
  await lines.next();
  await page.click("#connect");
  // From here on the answer goes on, until it has ended.
  await state("open");
  await page.locator("#chat-log[aria-busy=false]").waitFor({ state: "attached" });
  const shown = { whole: await answer.locator("p").textContent(), note: await answer.locator(".note").textContent() };
  await page.click("#disconnect");
  await state("closed");
  tell(shown);
  await lines.next();
} finally {
  await browser.close();
}
tell({ left: true });
process.exit();
