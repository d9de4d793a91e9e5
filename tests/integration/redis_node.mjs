/**
 * Node's own server on Redis streams, with one client in the room "r".
 *
 *   node redis_node.mjs SOCKET PASSWORD DATABASE
 *
 * Tells what its client hears, after "ready". On each line of standard input it sends an event to the room "r".
 */

import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { args, io as connect, say } from "./client.mjs";

const require = createRequire(`${process.env.NODE_MODULES_DIR}/`);
const { createClient } = require("redis");
const { Server } = require("socket.io");
const { createAdapter } = require("@socket.io/redis-streams-adapter");

const [path, password, database] = args;
const redis = createClient({ socket: { path, tls: false }, password, database });
await redis.connect();

const io = new Server({ adapter: createAdapter(redis) });
io.on("connection", (socket) => socket.join("r"));
io.listen(0);
await new Promise((settle) => io.httpServer.once("listening", settle));

const socket = connect(`http://127.0.0.1:${io.httpServer.address().port}`, { transports: ["websocket"] });
const shown = (value) => (Buffer.isBuffer(value) ? `hex ${value.toString("hex")}` : value);
socket.onAny((event, ...data) => say([event, ...data.map(shown)]));
await new Promise((settle) => socket.once("connect", settle));
say("ready");

createInterface({ input: process.stdin }).on("line", (line) => {
  if (line === "join") io.in("r").socketsJoin("joined");
  else io.to("r").except("quiet").emit(line, { text: "سلام" }, Buffer.from([1, 255]));
});
