/**
 * Many clients, native and Socket.IO, that each send one message a second, and again what was not answered when they
 * come back. Says `{connected}`, and after a line on its standard input what became of everything.
 *
 *   node crowd.mjs PORTS TOKEN CLIENTS POLLING [CONNECTIONS]
 *
 * CLIENTS of each kind on each port; POLLING more poll only. With CONNECTIONS, all that poll share so many of them.
 */

import { Agent } from "node:http";
import { createRequire } from "node:module";
import { args, io, say } from "./client.mjs";

const require = createRequire(`${process.env.NODE_MODULES_DIR}/`);
const WebSocket = require("ws");

const [ports, token, each, polling, connections] = args;
const agent = connections ? new Agent({ keepAlive: true, maxSockets: connections }) : false;
const EVERY_MS = 1000;
const PATIENCE_MS = 10_000;

const errors = [];
const closes = [];
const answers = new Map();
let connected = 0;
let sending = true;
let recovered = 0;

/** What native and Socket.IO clients have in common: ids, and what waits for its answer. */
class Client {
  constructor(kind, number) {
    this.kind = kind;
    this.id = `${kind}-${number}`;
    this.count = 0;
    this.waiting = new Set();
    this.open = false;
    setTimeout(() => (this.timer = setInterval(() => sending && this.next(), EVERY_MS)), Math.random() * EVERY_MS);
  }

  next() {
    const id = `${this.id}-${this.count++}`;
    answers.set(id, 0);
    this.waiting.add(id);
    if (this.open) this.send(id);
  }

  welcomed() {
    this.open = true;
    if (!this.greeted) connected += 1;
    this.greeted = true;
    for (const id of this.waiting) this.send(id);
  }

  answered(id) {
    answers.set(id, answers.get(id) + 1);
    this.waiting.delete(id);
  }

  lost(why) {
    this.open = false;
    closes.push({ at: Date.now(), kind: this.kind, port: this.port, why });
  }
}

class Native extends Client {
  constructor(port, number) {
    super("native", number);
    this.port = port;
    this.connect();
  }

  connect() {
    this.socket = new WebSocket(`ws://127.0.0.1:${this.port}/ws?token=${token}`);
    this.socket.on("error", (error) => errors.push(`native: ${error.message}`));
    this.socket.on("close", (code) => {
      this.lost(code);
      setTimeout(() => this.connect(), 100 + Math.random() * 400);
    });
    this.socket.on("message", (text) => {
      const { event, data } = JSON.parse(text);
      if (event === "connected") this.welcomed();
      else if (event === "echo_response") this.answered(data.received);
      else errors.push(`native: ${text}`);
    });
  }

  send(id) {
    this.socket.send(JSON.stringify({ event: "echo", data: id }));
  }
}

class SocketIO extends Client {
  constructor(port, number, transport) {
    super(transport, number);
    this.port = port;
    this.socket = io(`http://127.0.0.1:${port}`, {
      auth: { token },
      transports: [transport],
      forceNew: true,
      agent,
      reconnectionDelay: 300,
      reconnectionDelayMax: 500,
    });
    this.socket.on("connect", () => (recovered += this.socket.recovered ? 1 : 0));
    this.socket.on("connected", () => this.welcomed());
    this.socket.on("echo_response", ({ received }) => this.answered(received));
    this.socket.on("connect_error", (error) => errors.push(`${transport}: ${error.message} ${error.description}`));
    this.socket.on("error", (data) => errors.push(`${transport}: ${JSON.stringify(data)}`));
    this.socket.on("disconnect", (reason) => this.lost(reason));
  }

  send(id) {
    this.socket.emit("echo", id);
  }
}

const clients = [];
for (const port of ports) {
  for (let number = 0; number < each; number++) {
    clients.push(new Native(port, `${port}-${number}`), new SocketIO(port, `${port}-${number}`, "websocket"));
  }
  for (let number = 0; number < polling; number++) clients.push(new SocketIO(port, `${port}-${number}`, "polling"));
}

const pause = (milliseconds) => new Promise((settle) => setTimeout(settle, milliseconds));

async function until(condition) {
  for (let passed = 0; !condition() && passed < PATIENCE_MS; passed += 50) await pause(50);
}

await until(() => connected === clients.length);
say({ connected });
await new Promise((settle) => process.stdin.once("data", settle));
sending = false;
await until(() => clients.every((client) => client.open && client.waiting.size === 0));
const times = [...answers.values()];
say({
  clients: clients.length,
  open: clients.filter((client) => client.open).length,
  sent: times.length,
  unanswered: times.filter((number) => number === 0).length,
  repeated: times.filter((number) => number > 1).length,
  recovered,
  errors: [...new Set(errors)],
  closes,
});
