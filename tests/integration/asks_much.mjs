/**
 * Clients of every generation that ask for more than may wait for them.
 *
 *   node asks_much.mjs URL TRANSPORT EVENTS BYTES
 *
 * Tells, by name, how many answers each of them got, and why it was lost.
 */

import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const modules = resolve(process.env.NODE_MODULES_DIR ?? resolve(here, "../node/node_modules"));
const require = createRequire(`${modules}/`);
const [url, transport, events, bytes] = process.argv.slice(2).map((text) => JSON.parse(text));

const CLIENTS = {
  2: require("socket.io-client-2"),
  3: require("socket.io-client-3").io,
  4: require("socket.io-client").io,
};

function ask(io) {
  return new Promise((settle) => {
    const socket = io(url, { transports: [transport], forceNew: true, reconnection: false });
    let answers = 0;
    const over = (lost) => {
      settle({ answers, lost });
      socket.close();
    };
    socket.on("connect", () => {
      for (let event = 0; event < events; event += 1) {
        socket.emit("ask", bytes, (answer) => {
          answers += answer.length === bytes;
          if (answers === events) over(null);
        });
      }
    });
    socket.on("disconnect", over);
  });
}

const seen = {};
for (const [name, io] of Object.entries(CLIENTS)) seen[name] = await ask(io);
process.stdout.write(`${JSON.stringify(seen)}\n`);
process.exit(0);
