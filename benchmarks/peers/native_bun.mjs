// Bun's own WebSocket server. PORT is the argument.
const now = () => new Date().toISOString();
const frame = (event, data) => JSON.stringify({ event, data });
let joined = 0;

const handlers = {
  echo: (socket, data) => {
    const { socketId } = socket.data;
    socket.send(frame("echo_response", { received: data, timestamp: now(), socketId }));
  },
  "bench:join": (socket) => {
    socket.subscribe("bench");
    socket.send(frame("bench:joined", { timestamp: now() }));
  },
  "bench:broadcast": (socket, data) => {
    server.publish("bench", frame("bench:news", { turn: data.turn, timestamp: now() }));
  },
  "bench:stream": (socket, data) => {
    for (let seq = 0; seq < data.chunks; seq++) {
      socket.send(frame("bench:chunk", { seq, chunk: "a few words ", timestamp: now() }));
    }
  },
};

const server = Bun.serve({
  port: Number(process.argv[2]),
  hostname: "127.0.0.1",
  fetch(request, server) {
    if (server.upgrade(request, { data: { socketId: `ws-${joined++}` } })) return undefined;
    return new Response("a WebSocket is expected", { status: 400 });
  },
  websocket: {
    open(socket) {
      socket.send(frame("connected", { message: "Connected", socketId: socket.data.socketId }));
    },
    message(socket, text) {
      const { event, data } = JSON.parse(text);
      handlers[event](socket, data);
    },
  },
});
console.log("is ready");
