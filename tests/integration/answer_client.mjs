/**
 * One who follows one answer, by any protocol, and tells of every event as ["chunk", data], and ["lost", null] when
 * the connection is.
 *
 *   node answer_client.mjs HOST:PORT PROTOCOL TOKEN MESSAGE_ID SEQ
 *
 * PROTOCOL: native, websocket, polling or SSE. SEQ: the last chunk that is known, or null for who begins by asking.
 */

import { createRequire } from "node:module";

import { args, io, say } from "./client.mjs";

const { WebSocket } = createRequire(`${process.env.NODE_MODULES_DIR}/`)("ws");
const [host, protocol, token, messageId, seq] = args;
const first = seq === null ? ["ai:chat", { message: "?", messageId }] : ["ai:resume", { messageId, seq }];
const lost = () => say(["lost", null]);

function heard(event, data) {
  if (event.startsWith("ai:response:")) say([event.slice("ai:response:".length), data]);
}

function native() {
  const socket = new WebSocket(`ws://${host}/ws?token=${token}`);
  socket.on("open", () => socket.send(JSON.stringify({ event: first[0], data: first[1] })));
  socket.on("message", (text) => {
    const { event, data } = JSON.parse(text);
    heard(event, data);
  });
  socket.on("error", () => {});
  socket.on("close", lost);
}

function socketio(transport) {
  const socket = io(`http://${host}`, { auth: { token }, transports: [transport], reconnection: false });
  socket.on("connect", () => socket.emit(...first));
  socket.onAny(heard);
  socket.on("disconnect", lost);
}

async function sse() {
  const headers = { Authorization: `Bearer ${token}`, Accept: "text/event-stream", "Content-Type": "application/json" };
  const resuming = { headers: { ...headers, ...(seq >= 0 && { "Last-Event-ID": `${messageId}:${seq}` }) } };
  const asking = { method: "POST", headers, body: JSON.stringify(first[1]) };
  const path = seq === null ? "chat" : `stream/${messageId}`;
  const response = await fetch(`http://${host}/api/ai/${path}`, seq === null ? asking : resuming);
  let rest = "";
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + text).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const event = /^event: (.*)$/m.exec(block);
      if (event) say([event[1], JSON.parse(/^data: (.*)$/m.exec(block)[1])]);
    }
  }
}

if (protocol === "native") native();
else if (protocol === "SSE") sse().finally(lost);
else socketio(protocol);
