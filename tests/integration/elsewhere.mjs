/**
 * A client of socket.io-client's that goes from one server to another.
 *
 *   node elsewhere.mjs URL TOKEN
 *
 * Reads from standard input: "cut"; a URL, to come back to; or an event to send. Tells each connection and each event.
 */

import { createInterface } from "node:readline";
import { args, io, say } from "./client.mjs";

const [url, token] = args;
const socket = io(url, { auth: { token }, transports: ["websocket"], reconnection: false });

socket.on("connect", () => say({ recovered: socket.recovered, id: socket.id }));
socket.on("disconnect", (reason) => say({ lost: reason }));
socket.onAny((event, data) => say({ event, data }));

createInterface({ input: process.stdin }).on("line", (line) => {
  if (line === "cut") {
    socket.io.engine.transport.ws.terminate();
  } else if (!line.startsWith("http:")) {
    socket.emit(line);
  } else {
    socket.io.uri = line;
    socket.connect();
  }
});
