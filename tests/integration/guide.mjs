/**
 * The client examples of the old guide, each with every `transports` list: connects, has the server echo, and tells what
 * became of it.
 *
 *   node guide.mjs API_PORT WS_PORT TOKEN
 *
 * A socket.io-client keeps one connection per host; `forceNew` keeps the examples from sharing one.
 */

import { args, io, next, say, welcome } from "./client.mjs";

const [apiPort, wsPort, token] = args;

const TRANSPORTS = [["websocket", "polling"], ["polling", "websocket"], ["polling"], ["websocket"]];
const WORD = { message: "سلام، حالت چطوره؟ 🌱" };

const EXAMPLES = {
  "plain, auth.token": (url) => [url, { auth: { token } }],
  "/socket.io/ in the URL": (url) => [`${url}/socket.io/`, { auth: { token } }],
  "/socket.io in the URL": (url) => [`${url}/socket.io`, { auth: { token } }],
  "/ws in the URL": (url) => [`${url}/ws`, { auth: { token } }],
  "?token= in the URL": (url) => [`${url}?token=${token}`, {}],
  "query.token": (url) => [url, { query: { token } }],
  "Authorization header": (url) => [url, { extraHeaders: { Authorization: `Bearer ${token}` } }],
  "the path /ws": (url) => [url, { path: "/ws/", auth: { token } }],
};

async function visit(url, options) {
  const socket = io(url, { ...options, forceNew: true, reconnection: false });
  try {
    const connected = await welcome(socket);
    const { engine } = socket.io;
    if (options.transports.join() === "polling,websocket" && engine.transport.name === "polling") {
      await next(engine, "upgrade");
    }
    const reply = next(socket, "echo_response");
    const acknowledged = await socket.timeout(10_000).emitWithAck("echo", WORD);
    const same = JSON.stringify(await reply) === JSON.stringify(acknowledged);
    return { connected, echoed: same && acknowledged.received.message === WORD.message, transport: engine.transport.name };
  } catch (error) {
    return { error: error.message };
  } finally {
    socket.disconnect();
  }
}

const visits = [];
for (const [service, port] of [["api", apiPort], ["ws", wsPort]]) {
  for (const [name, example] of Object.entries(EXAMPLES)) {
    for (const transports of TRANSPORTS) {
      const [url, options] = example(`http://localhost:${port}`);
      const visited = visit(url, { ...options, transports });
      visits.push(visited.then((result) => [`${service}: ${name}: ${transports}`, result]));
    }
    await Promise.all(visits);
  }
}
say(Object.fromEntries(await Promise.all(visits)));
process.exit(0);
