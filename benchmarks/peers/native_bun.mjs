// Bun's own WebSocket server. PORT is the argument; WRAPPED may be `tls`, by the PEM file CERTIFICATE, or `deflate`.
const { WRAPPED, CERTIFICATE } = process.env;
const pem = WRAPPED === "tls" && Bun.file(CERTIFICATE);
const deflates = WRAPPED === "deflate";
const now = () => new Date().toISOString();
const frame = (event, data) => JSON.stringify({ event, data });
let joined = 0;

const handlers = {
  echo: (socket, data) => {
    const { socketId } = socket.data;
    socket.send(frame("echo_response", { received: data, timestamp: now(), socketId }), deflates);
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
  ...(pem && { tls: { key: pem, cert: pem } }),
  fetch(request, server) {
    if (server.upgrade(request, { data: { socketId: `ws-${joined++}` } })) return undefined;
    return new Response("a WebSocket is expected", { status: 400 });
  },
  websocket: {
    perMessageDeflate: deflates,
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
