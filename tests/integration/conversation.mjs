/**
 * Says everything there is to say by a real socket.io-client, and tells what it heard.
 *
 *   node conversation.mjs URL TOKEN TRANSPORTS
 */

import { args, io, next, say, welcome } from "./client.mjs";

const [url, token, transports] = args;

const EVENTS = {
  ping: ["pong", undefined, {}],
  status: ["status_response", undefined, {}],
  info: ["info_response", undefined, {}],
  echo: ["echo_response", "Hello World", { message: "درود" }, [1, [2]], null],
  message: ["message_received", { content: "سلام" }],
  nonsense: ["error", {}],
};

const socket = io(url, { auth: { token }, transports, reconnection: false });
const heard = { connected: await welcome(socket), replies: [] };

for (const [event, [answer, ...payloads]] of Object.entries(EVENTS)) {
  for (const data of payloads) {
    const reply = next(socket, answer);
    const sent = data === undefined ? [event] : [event, data];
    const acknowledged = await socket.timeout(5000).emitWithAck(...sent);
    heard.replies.push({ event, data, answer, reply: await reply, acknowledged });
  }
}

const large = "ی".repeat(450_000); // two bytes each
const echoed = await socket.emitWithAck("echo", large);
heard.large = echoed.received === large;

const bytes = Buffer.from([0, 1, 2, 254, 255]);
const { received } = await socket.emitWithAck("echo", { bytes, note: "عکس" });
heard.binary = { bytes: [...received.bytes], note: received.note };
heard.alive = await socket.emitWithAck("ping");

const over = next(socket, "disconnect");
socket.emit("echo", "x".repeat(1_100_000));
heard.tooLarge = await over;
say(heard);
process.exit(0);
