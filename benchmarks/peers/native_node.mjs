// Node with `ws`. PORT is the argument; WRAPPED may be `tls`, by the PEM file CERTIFICATE, or `deflate`.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { WebSocketServer } from "ws";

const { WRAPPED, CERTIFICATE } = process.env;

const now = () => new Date().toISOString();
const frame = (event, data) => JSON.stringify({ event, data });
const room = new Set();
let joined = 0;

const pem = WRAPPED === "tls" && readFileSync(CERTIFICATE);
const http = pem ? createSecureServer({ key: pem, cert: pem }) : createServer();
const perMessageDeflate = WRAPPED === "deflate" && { threshold: 0 };
new WebSocketServer({ server: http, path: "/ws", perMessageDeflate }).on("connection", (socket) => {
  const socketId = `ws-${joined++}`;
  const emit = (event, data) => socket.send(frame(event, data));
  const handlers = {
    echo: (data) => emit("echo_response", { received: data, timestamp: now(), socketId }),
    "bench:join": () => {
      room.add(socket);
      emit("bench:joined", { timestamp: now() });
    },
    "bench:broadcast": (data) => {
      const news = frame("bench:news", { turn: data.turn, timestamp: now() });
      for (const member of room) member.send(news);
    },
    "bench:stream": (data) => {
      for (let seq = 0; seq < data.chunks; seq++) emit("bench:chunk", { seq, chunk: "a few words ", timestamp: now() });
    },
  };
  socket.on("message", (text) => {
    const { event, data } = JSON.parse(text);
    handlers[event](data);
  });
  socket.on("close", () => room.delete(socket));
  emit("connected", { message: "Connected", socketId });
});
http.listen(Number(process.argv[2]), "127.0.0.1", 4096, () => console.log("is ready"));
