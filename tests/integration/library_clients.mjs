/**
 * Real clients of every generation, over every transport, in both namespaces of the conformance application.
 *
 *   node library_clients.mjs URL
 *
 * Tells, by name, what each of them got to see; bytes as hexadecimal digits.
 */

import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const modules = resolve(process.env.NODE_MODULES_DIR ?? resolve(here, "../node/node_modules"));
const require = createRequire(`${modules}/`);
const [url] = process.argv.slice(2).map((text) => JSON.parse(text));

const PATIENCE_MS = 20_000;
const BYTES = Buffer.from([1, 2, 3, 250]);

const parser = require("socket.io-msgpack-parser");
const auth = { token: "سلام" };
const CLIENTS = {
  2: { io: require("socket.io-client-2"), options: {}, auth: "?token=q", large: 900_000 },
  3: { io: require("socket.io-client-3").io, options: { auth }, auth: "", large: 900_000 },
  4: { io: require("socket.io-client").io, options: { auth }, auth: "", large: 900_000 },
  "4 base64": { io: require("socket.io-client").io, options: { auth, forceBase64: true }, auth: "", large: 900_000 },
  // Base64 makes a third more of it, on polling.
  "4 msgpack": { io: require("socket.io-client").io, options: { auth, parser }, auth: "", large: 500_000 },
};

/** The data of the next `event`; fails where it does not come. */
function next(emitter, event) {
  return new Promise((settle, fail) => {
    const late = setTimeout(() => fail(new Error(`no ${event}`)), PATIENCE_MS);
    emitter.once(event, (...data) => {
      clearTimeout(late);
      settle(data);
    });
  });
}

function shown(value) {
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return `hex ${Buffer.from(value).toString("hex")}`;
  return Array.isArray(value) ? value.map(shown) : value;
}

async function visit({ io, options, auth: query, large }, namespace, transports) {
  const socket = io(`${url}${namespace}${query}`, { transports, forceNew: true, reconnection: false, ...options });
  const seen = {};
  const back = next(socket, "message-back");
  seen.auth = (await next(socket, "auth"))[0];
  socket.emit("message", 1, "سلام 😀", { a: [null, true, 1.5] }, BYTES);
  seen.back = shown(await back);
  seen.acknowledged = shown(await new Promise((settle) => socket.emit("message-with-ack", "x", BYTES, (...a) => settle(a))));
  const returned = next(socket, "message-back");
  const text = "ی".repeat(large / 2);
  socket.emit("message", text);
  seen.large = (await returned)[0] === text;
  for (let beats = 0; beats < 2; beats += 1) await next(socket.io.engine, "pong");
  seen.connected = socket.connected;
  seen.transport = socket.io.engine.transport.name;
  socket.close();
  return seen;
}

const visits = {};
for (const transports of [["websocket"], ["polling"], ["polling", "websocket"]]) {
  const all = Object.entries(CLIENTS).flatMap(([name, client]) =>
    ["", "/custom"].map(async (namespace) => {
      const seen = await visit(client, namespace, transports).catch((error) => ({ error: String(error) }));
      visits[`${name}, ${transports}, ${namespace || "/"}`] = seen;
    }));
  await Promise.all(all);
}
process.stdout.write(`${JSON.stringify(visits)}\n`);
process.exit(0);
