// Node with socket.io as it comes, over `ws`. PORT is the argument.
import { createServer } from "node:http";
import { Server } from "socket.io";
import { newSession } from "./sessions.mjs";
import { serve } from "./socketio_events.mjs";

const http = createServer((request, response) => {
  request.resume().on("end", () => {
    response.setHeader("Content-Type", "application/json");
    response.end(newSession());
  });
});
serve(new Server(http));
http.listen(Number(process.argv[2]), "127.0.0.1", 4096, () => console.log("is ready"));
