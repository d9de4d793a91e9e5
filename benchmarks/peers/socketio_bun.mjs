// Bun with socket.io over @socket.io/bun-engine: the stack of the original. PORT is the argument.
import { Server as Engine } from "@socket.io/bun-engine";
import { Server } from "socket.io";
import { newSession } from "./sessions.mjs";
import { serve } from "./socketio_events.mjs";

const io = new Server();
const engine = new Engine({ path: "/socket.io/" });
io.bind(engine);
serve(io);

const handler = engine.handler();
const json = { headers: { "Content-Type": "application/json" } };
Bun.serve({
  ...handler,
  port: Number(process.argv[2]),
  hostname: "127.0.0.1",
  async fetch(request, server) {
    if (request.method === "POST" && request.url.endsWith("/api/auth/acquire-session")) {
      await request.text();
      return new Response(newSession(), json);
    }
    return handler.fetch(request, server);
  },
});
console.log("is ready");
