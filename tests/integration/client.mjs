/** What the scripts with real Socket.IO clients share. */

import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const modules = resolve(process.env.NODE_MODULES_DIR ?? resolve(here, "../node/node_modules"));
const { io } = createRequire(`${modules}/`)("socket.io-client");

export { io };
export const args = process.argv.slice(2).map((text) => JSON.parse(text));
export const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

const PATIENCE_MS = 10_000;

/** The data of the next `event`; fails where it does not come. */
export function next(emitter, event) {
  return new Promise((settle, fail) => {
    const late = setTimeout(() => fail(new Error(`no ${event}`)), PATIENCE_MS);
    emitter.once(event, (...data) => {
      clearTimeout(late);
      settle(data[0]);
    });
  });
}

/** The socket's next connection: its welcome, or its `connect_error` as an Error. */
export function welcome(socket) {
  const refused = next(socket, "connect_error").then((error) => Promise.reject(error));
  refused.catch(() => {});
  return Promise.race([next(socket, "connected"), refused]);
}
