/**
 * A real socket.io-client that tells of each of its connections and losses, and echoes after each welcome.
 *
 *   node reconnect.mjs URL TOKEN TRANSPORTS
 */

import { args, io, say } from "./client.mjs";

const [url, token, transports] = args;
const socket = io(url, { auth: { token }, transports, reconnectionDelay: 50, reconnectionDelayMax: 100 });

socket.on("connected", async () => {
  const { received } = await socket.emitWithAck("echo", "هنوز اینجام");
  say({ event: "connected", received, transport: socket.io.engine.transport.name });
});
socket.on("disconnect", (reason) => say({ event: "disconnect", reason, active: socket.active }));
process.stdin.on("end", () => process.exit(0)).resume();
