/**
 * Opens WebSockets from pages of several origins in a real browser, and tells what became of each.
 *
 *   node browser.mjs URL TOKEN [ORIGIN, …]
 *
 * The pages are made up: the browser asks nobody for them, and so must be told that they are of this machine.
 */

import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const modules = resolve(process.env.NODE_MODULES_DIR ?? resolve(here, "../node/node_modules"));
const { chromium } = createRequire(`${modules}/`)("playwright-core");

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
  "--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets"];

const [urls, token, origins] = process.argv.slice(2).map((text) => JSON.parse(text));

/** In the page: what the old guide's example does. */
function converse([url, token]) {
  return new Promise((settle) => {
    const heard = [];
    const socket = new WebSocket(`${url}?token=${token}`);
    socket.onopen = () => socket.send(JSON.stringify({ event: "echo", data: "سلام" }));
    socket.onmessage = ({ data }) => {
      heard.push(JSON.parse(data));
      if (heard.length === 2) socket.close();
    };
    socket.onclose = ({ code, wasClean }) => settle({ code, wasClean, heard });
  });
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
try {
  const results = [];
  for (const origin of origins) {
    const page = await browser.newPage();
    await page.route(`${origin}/`, (route) => route.fulfill({ contentType: "text/html", body: "<title>page</title>" }));
    await page.goto(`${origin}/`);
    for (const url of urls) results.push(await page.evaluate(converse, [url, token]));
    await page.close();
  }
  process.stdout.write(`${JSON.stringify(results)}\n`);
} finally {
  await browser.close();
}
