/**
 * A client over TLS, which says whether each of its texts came back, and which transport it ended on.
 *
 *   node secure.mjs URL TOKEN TRANSPORTS COMPRESSES CERTIFICATE [[TEXT, TIMES], …]
 */

import { readFileSync } from "node:fs";

import { args, io, next, say, welcome } from "./client.mjs";

const [url, token, transports, compresses, certificate, texts] = args;
const perMessageDeflate = compresses && { threshold: 0 };
const ca = readFileSync(certificate, "utf8");
const socket = io(url, { auth: { token }, transports, perMessageDeflate, ca, reconnection: false });
await welcome(socket);
const engine = socket.io.engine;
if (transports.length > 1 && engine.transport.name === "polling") await next(engine, "upgrade");
const back = [];
for (const [text, times] of texts) {
  socket.emit("echo", text.repeat(times));
  back.push((await next(socket, "echo_response")).received === text.repeat(times));
}
const extensions = engine.transport.ws?.extensions ?? "";
say({ back, transport: engine.transport.name, extensions: `${extensions}`.split(";")[0] });
socket.disconnect();
