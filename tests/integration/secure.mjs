/**
 * A client over TLS, which says whether each of its texts came back, how many of some large ones that were sent at once
 * did, which transport it ended on, and whether it was recovered after that was cut.
 *
 *   node secure.mjs URL TOKEN TRANSPORTS COMPRESSES CERTIFICATE [[TEXT, TIMES], …]
 */

import { readFileSync } from "node:fs";

import { args, io, next, say, welcome } from "./client.mjs";

const [url, token, transports, compresses, certificate, texts] = args;
const perMessageDeflate = compresses && { threshold: 0 };
const ca = readFileSync(certificate, "utf8");
const socket = io(url, { auth: { token, recover: true }, transports, perMessageDeflate, ca, reconnection: false });
await welcome(socket);
const engine = socket.io.engine;
if (transports.length > 1 && engine.transport.name === "polling") await next(engine, "upgrade");
const back = [];
for (const [text, times] of texts) {
  socket.emit("echo", text.repeat(times));
  back.push((await next(socket, "echo_response")).received === text.repeat(times));
}
const large = "b".repeat(900_000);
// Over polling, more than one may be more than may wait for a client.
const many = transports.at(-1) === "websocket" ? 12 : 1;
let returned = 0;
const all = new Promise((settle) => {
  socket.on("echo_response", ({ received }) => {
    if (received === large && ++returned === many) settle();
  });
});
for (let sent = 0; sent < many; sent++) socket.emit("echo", large);
await all;
const extensions = engine.transport.ws?.extensions ?? "";
const transport = engine.transport.name;
const lost = next(socket, "disconnect");
if (transport === "websocket") engine.transport.ws.terminate();
else engine.transport.onError("cut");
await lost;
socket.connect();
await next(socket, "connect");
say({ back, returned, transport, recovered: socket.recovered, extensions: `${extensions}`.split(";")[0] });
socket.disconnect();
