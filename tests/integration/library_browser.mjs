/**
 * Clients of every generation in a real browser. That of Socket.IO 4 is loaded from the server itself.
 *
 *   node library_browser.mjs URL NODE_MODULES
 */

import { createRequire } from "node:module";

const [url, modules] = process.argv.slice(2).map((text) => JSON.parse(text));
const { chromium } = createRequire(`${modules}/`)("playwright-core");

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
  "--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets"];
const TRANSPORTS = [["websocket"], ["polling"], ["polling", "websocket"]];
const CLIENTS = {
  2: { script: { path: `${modules}/socket.io-client-2/dist/socket.io.js` } },
  "2 jsonp": {
    script: { path: `${modules}/socket.io-client-2/dist/socket.io.js` },
    options: { forceJSONP: true },
    transports: [["polling"]],
  },
  3: { script: { path: `${modules}/socket.io-client-3/dist/socket.io.js` } },
  4: { script: { url: "/socket.io/socket.io.js" } },
  "4 msgpack": { script: { url: "/socket.io/socket.io.msgpack.min.js" } },
};

/** In the page. */
async function visit([options, bytes]) {
  const next = (emitter, event) => new Promise((settle, fail) => {
    setTimeout(() => fail(new Error(`no ${event}`)), 15_000);
    emitter.once(event, (...data) => settle(data));
  });
  const shown = (value) => (value instanceof ArrayBuffer || ArrayBuffer.isView(value)
    ? `hex ${[...new Uint8Array(value.buffer ?? value)].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`
    : value);
  const payload = bytes ? new Uint8Array(bytes).buffer : "no bytes";
  const socket = io({ forceNew: true, reconnection: false, auth: { token: "سلام" }, ...options });
  const back = next(socket, "message-back");
  const [auth] = await next(socket, "auth");
  socket.emit("message", 1, "سلام 😀\n\u2028\\n", { a: [null, true, 1.5] }, payload);
  const seen = { auth, back: (await back).map(shown) };
  const acknowledged = new Promise((settle) => socket.emit("message-with-ack", "x", payload, (...a) => settle(a)));
  seen.acknowledged = (await acknowledged).map(shown);
  const returned = next(socket, "message-back");
  const text = "ی".repeat(50_000);
  socket.emit("message", text);
  seen.large = (await returned)[0] === text;
  const { engine } = socket.io;
  const wanted = options.transports.at(-1);
  if (engine.transport.name !== wanted) await next(engine, "upgrade");
  seen.transport = engine.transport.name;
  socket.close();
  return seen;
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
try {
  const results = {};
  for (const [name, client] of Object.entries(CLIENTS)) {
    const page = await browser.newPage();
    await page.route(`${url}/`, (route) => route.fulfill({ contentType: "text/html", body: "<title>page</title>" }));
    await page.goto(`${url}/`);
    await page.addScriptTag(client.script);
    for (const transports of client.transports ?? TRANSPORTS) {
      const bytes = client.options ? null : [1, 2, 3, 250];
      const seen = page.evaluate(visit, [{ transports, ...client.options }, bytes]);
      results[`${name}, ${transports}`] = await seen.catch((error) => ({ error: String(error) }));
    }
    await page.close();
  }
  process.stdout.write(`${JSON.stringify(results)}\n`);
} finally {
  await browser.close();
}
