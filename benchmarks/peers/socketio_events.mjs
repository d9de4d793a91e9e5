// The events of the comparison, for a Socket.IO server under Node or Bun.
const now = () => new Date().toISOString();

export function serve(io) {
  io.on("connection", (socket) => {
    socket.emit("connected", { message: "Connected", socketId: socket.id });
    socket.on("echo", (data) => {
      socket.emit("echo_response", { received: data, timestamp: now(), socketId: socket.id });
    });
    socket.on("bench:join", () => {
      socket.join("bench");
      socket.emit("bench:joined", { timestamp: now() });
    });
    socket.on("bench:broadcast", (data) => {
      io.to("bench").emit("bench:news", { turn: data.turn, timestamp: now() });
    });
    socket.on("bench:stream", (data) => {
      for (let seq = 0; seq < data.chunks; seq++) {
        socket.emit("bench:chunk", { seq, chunk: "a few words ", timestamp: now() });
      }
    });
  });
}
