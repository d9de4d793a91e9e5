/**
 * Real Socket.IO clients through a reverse proxy on this machine, by each transport: has the server echo.
 *
 *   node proxies.mjs [URL, …] TOKEN CERTIFICATE ORIGIN
 *
 * The URLs' names are the proxy's own; nobody is asked where they are. Tells, for each URL and transport, what the echo
 * was and on which transport it came.
 */

import dns from "node:dns";

import { args, io, next, say, welcome } from "./client.mjs";

const [urls, token, ca, origin] = args;
const TRANSPORTS = [["polling"], ["websocket"], ["polling", "websocket"]];

dns.lookup = (name, options, found) => {
  const here = { address: "127.0.0.1", family: 4 };
  if (options.all) found(null, [here]);
  else found(null, here.address, here.family);
};

async function visit(url, transports) {
  const extraHeaders = { Origin: origin };
  const socket = io(url, { auth: { token }, transports, ca, extraHeaders, forceNew: true, reconnection: false });
  try {
    await welcome(socket);
    const { engine } = socket.io;
    if (transports.length > 1 && engine.transport.name === "polling") await next(engine, "upgrade");
    const echo = await socket.timeout(10_000).emitWithAck("echo", "سلام");
    return [echo.received, engine.transport.name];
  } catch (error) {
    return [error.message, String(error.description?.message ?? error.description ?? "")];
  } finally {
    socket.disconnect();
  }
}

const visits = urls.flatMap((url) => TRANSPORTS.map((transports) => visit(url, transports)));
say(await Promise.all(visits));
process.exit();
