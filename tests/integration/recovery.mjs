/**
 * A client that loses its connection when it is told to, and comes back when it is told to.
 *
 *   node recovery.mjs URL TRANSPORTS PARSER
 *
 * Reads "close", "cut" and "come back" from standard input; tells each connection and each event.
 */

import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const modules = resolve(process.env.NODE_MODULES_DIR ?? resolve(here, "../node/node_modules"));
const require = createRequire(`${modules}/`);
const { io } = require("socket.io-client");
const [url, transports, parser] = process.argv.slice(2).map((text) => JSON.parse(text));

const options = parser === "msgpack" ? { parser: require("socket.io-msgpack-parser") } : {};
const socket = io(url, { transports, reconnection: false, ...options });
const tell = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

function shown(value) {
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return `hex ${Buffer.from(value).toString("hex")}`;
  return value;
}

/** Moved to its last transport, so that what is cut is what carries it. */
function settled() {
  const wanted = transports.at(-1);
  const { engine } = socket.io;
  if (engine.transport.name === wanted) return Promise.resolve();
  return new Promise((settle) => engine.once("upgrade", settle));
}

socket.on("connect", async () => {
  tell({ recovered: socket.recovered, id: socket.id });
});
socket.onAny((event, ...args) => {
  const acknowledge = typeof args.at(-1) === "function" ? args.pop() : undefined;
  if (!acknowledge) args.pop(); // the offset
  tell({ event: [event, ...args.map(shown)] });
  acknowledge?.(event, ...args);
});

createInterface({ input: process.stdin }).on("line", async (line) => {
  const { engine } = socket.io;
  if (line === "come back") {
    socket.connect();
    return;
  }
  await settled();
  if (line === "close") {
    engine.close();
  } else if (engine.transport.name === "websocket") {
    engine.transport.ws.terminate();
  } else {
    engine.transport.pollXhr.abort();
    engine.transport.onError("cut");
  }
});
