/**
 * Drives the console page of a running server in a real browser, through every door and in both languages.
 *
 *   node console_test.mjs BASE_URL [WS_URL]
 *
 * BASE_URL serves /console (http://localhost:3000); WS_URL is the gateway of port 3500, tried as well when given,
 * and must allow BASE_URL as an origin. NODE_MODULES_DIR holds playwright-core (default: ../node/node_modules),
 * CHROMIUM the browser (default: /usr/bin/chromium). Prints "ok N checks", or says what failed and exits with 1.
 */

import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const modules = resolve(process.env.NODE_MODULES_DIR ?? resolve(here, "../node/node_modules"));
const { chromium } = createRequire(`${modules}/`)("playwright-core");

const [BASE_URL, WS_URL] = process.argv.slice(2);
const DOORS = ["native", "socketio-websocket", "socketio-polling", "socketio-upgrade"];
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];
const PATIENCE_MS = 10_000;
const AI_PATIENCE_MS = 120_000; // a model on a small machine takes its time

let checks = 0;

function check(holds, what) {
  if (!holds) throw new Error(what);
  checks += 1;
}

/** Waits until `locator` is there and counts it as a check; on failure the message is `what`. */
async function expect(locator, what, timeout = PATIENCE_MS) {
  const found = await locator.first().waitFor({ state: "attached", timeout }).then(() => true, () => false);
  check(found, what);
}

/** A page that keeps account of what went wrong in it and of the hosts it spoke to. */
async function openConsole(browser, path = "/console") {
  const page = await browser.newPage();
  const troubles = [];
  const hosts = new Set();
  page.on("pageerror", (error) => troubles.push(String(error)));
  page.on("console", (message) => message.type() === "error" && troubles.push(message.text()));
  page.on("request", (request) => hosts.add(new URL(request.url()).host));
  page.on("websocket", (socket) => hosts.add(new URL(socket.url()).host));
  await page.goto(BASE_URL + path);
  await expect(page.locator("body[data-ready=true]"), `${path} does not come up: ${troubles}`);
  return { page, troubles, hosts };
}

async function acquire(page) {
  await page.click("#acquire");
  await expect(page.locator("#token", { hasText: /^\*\*\*.{4}$/ }), "no session was acquired");
  const token = await page.evaluate(() => sessionStorage.getItem("yekta.console.token"));
  check(/^[\w-]{43}$/.test(token), "the token does not have the shape of one");
  return token;
}

async function connect(page, door, server) {
  await page.fill("#server", server);
  await page.selectOption("#door", door);
  await page.click("#connect");
  await expect(page.locator("#state[data-state=open]"), `${door} at ${server} does not open`);
}

async function send(page, event, payload) {
  await page.click(`#event-${event}`);
  await page.fill("#payload", payload);
  await page.click("#send-event");
}

const reply = (page, event, text) => page.locator(`#replies li[data-event="${event}"]`, { hasText: text });

/** On a page made afresh, lest an earlier door's replies pass for this one's; the session outlives that. */
async function throughDoor(page, door, server, token) {
  await page.reload();
  await expect(page.locator("#account", { hasText: /\d{4}-\d{2}-\d{2}/ }), "the session does not outlive a reload");
  await connect(page, door, server);
  await expect(reply(page, "connected"), `${door}: no welcome`);
  if (door === "socketio-upgrade") {
    await expect(page.locator("#state-detail", { hasText: "websocket" }), `${door}: no upgrade`);
  }
  await send(page, "ping", "{}");
  await expect(reply(page, "pong", "timestamp"), `${door}: no pong`);
  await expect(page.locator("#latency", { hasText: /\d/ }), `${door}: no latency`);
  const word = `echo through ${door} درود`;
  await page.check("#want-ack");
  await send(page, "echo", JSON.stringify({ message: word }));
  await expect(reply(page, "echo_response", word), `${door}: no echo`);
  await expect(reply(page, "ack echo", word), `${door}: no acknowledgement of the echo`);
  await page.uncheck("#want-ack");
  // Before the chat, whose chunks may push the echo out of the traffic that is kept.
  const traffic = await page.locator("#traffic").textContent();
  check(traffic.includes(word), `${door}: the traffic does not show the echo`);
  check(!traffic.includes(token), `${door}: the traffic shows the token`);
  await chat(page, door);
  check(!(await page.locator("#traffic").textContent()).includes(token), `${door}: the chat's traffic shows the token`);
  await page.click("#disconnect");
  await expect(page.locator("#state[data-state=closed]"), `${door}: does not close`);
}

async function chat(page, door) {
  const answers = page.locator("#chat-log .turn.assistant");
  const before = await answers.count();
  await page.fill("#chat-input", "Say hello in one short sentence.");
  await page.press("#chat-input", "Enter");
  await expect(answers.nth(before), `${door}: the question was not sent`);
  await expect(page.locator("#chat-log[aria-busy=false]"), `${door}: the answer does not end`, AI_PATIENCE_MS);
  const note = await answers.last().locator(".note.bad").allTextContents();
  check(note.length === 0, `${door}: the answer failed: ${note}`);
  const text = await answers.last().locator("p").textContent();
  check(text.trim().length > 0, `${door}: the answer is empty`);
}

async function inBothLanguages(page) {
  await page.selectOption("#language", "fa");
  await expect(page.locator("html[lang=fa][dir=rtl]"), "Persian does not turn the page");
  await expect(page.locator("#connect", { hasText: "اتصال" }), "Persian does not reach the buttons");
  check(await page.inputValue("#chat-locale") === "fa", "the chat does not follow the language");
  await page.reload();
  await expect(page.locator("html[lang=fa]"), "the language is not remembered");
  await page.selectOption("#language", "en");
  await expect(page.locator("html[lang=en][dir=ltr]"), "English does not turn the page back");
  const blank = await page.locator("button").evaluateAll((all) => all.filter((one) => !one.textContent).length);
  check(blank === 0, `${blank} buttons have no text`);
}

/** In a page of its own: a refusal is an error to the browser's own console. */
async function refusals(browser) {
  const { page } = await openConsole(browser, "/console/");
  await page.fill("#server", BASE_URL);
  await page.selectOption("#door", "socketio-polling");
  await page.click("#connect");
  await expect(page.locator("#state[data-state=refused]"), "Socket.IO without a token is not refused");
  await expect(page.locator("#state-detail", { hasText: "Authentication token required" }), "its refusal is not shown");
  await page.selectOption("#door", "native");
  await page.click("#connect");
  await expect(page.locator("#state-detail", { hasText: "401" }), "a native refusal is not explained");
  await page.close();
}

/** Chromium finds every name below localhost on this machine. */
async function gateway(browser) {
  const { hostname, port } = new URL(BASE_URL);
  const places = {
    [`api.localhost:${port}`]: `http://ws.localhost:${port}`,
    [`${hostname}:${port}`]: `http://${hostname}:3500`,
  };
  for (const [host, there] of Object.entries(places)) {
    const page = await browser.newPage();
    await page.goto(`http://${host}/console`);
    await expect(page.locator("body[data-ready=true]"), `the page of ${host} does not come up`);
    await page.click("#server-gateway");
    const server = await page.inputValue("#server");
    check(server === there, `beside ${host}, yektayar-ws is thought to be at ${server}`);
    await page.close();
  }
}

async function run(browser) {
  const { page, troubles, hosts } = await openConsole(browser);
  await inBothLanguages(page);
  const token = await acquire(page);
  for (const server of [BASE_URL, WS_URL].filter(Boolean)) {
    for (const door of DOORS) await throughDoor(page, door, server, token);
  }
  check(troubles.length === 0, `the browser complains: ${troubles.join(" | ")}`);
  const own = [BASE_URL, WS_URL].filter(Boolean).map((url) => new URL(url).host);
  const foreign = [...hosts].filter((host) => !own.includes(host));
  check(foreign.length === 0, `the page asks other hosts: ${foreign}`);
  await refusals(browser);
  await gateway(browser);
}

if (!BASE_URL) {
  console.error("usage: node console_test.mjs BASE_URL [WS_URL]");
  process.exit(2);
}
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
try {
  await run(browser);
  console.log(`ok ${checks} checks`);
} catch (error) {
  console.error(`not ok after ${checks} checks: ${error.message}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
