/**
 * Knocks with bad tokens by a real socket.io-client, and tells the `connect_error` of each.
 *
 *   node refusals.mjs URL [[ADDRESS, OPTIONS], …]
 */

import { args, io, next, say } from "./client.mjs";

const [url, attempts] = args;
const heard = [];
for (const [address, options] of attempts) {
  for (const transports of [["polling"], ["websocket"]]) {
    const socket = io(url + address, { ...options, transports, forceNew: true, reconnection: false });
    heard.push((await next(socket, "connect_error")).message);
    socket.disconnect();
  }
}
say(heard);
process.exit(0);
