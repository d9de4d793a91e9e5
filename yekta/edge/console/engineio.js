/**
 * Engine.IO 4, the client's side: one session over polling, over websocket, or moved from the first to the second.
 *
 * Knows nothing of Socket.IO. Sends text messages; receives text and binary ones.
 */

import { parseJson } from "./json.js";
import { Polling } from "./polling.js";
import { Socket, socketUrl } from "./websocket.js";

const QUEUE_LIMIT = 1000; // packets that wait for a POST or an upgrade; more means that nothing leaves

const byteLength = (text) => new TextEncoder().encode(text).length;

function bytesOf(base64) {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)).buffer;
  } catch {
    return undefined;
  }
}

export class Engine {
  #address;
  #transports;
  #listener;
  #transport;
  #probe;
  #session; // what the handshake said
  #queue = [];
  #flushed = Promise.resolve();
  #flushing = false;
  #upgrading = false;
  #ended = false;
  #watch;

  /** `listener` has `message(text)` and `binary(bytes)`, and of doors.js `opened`, `moved`, `ended` and `frame`. */
  constructor(address, transports, listener) {
    this.#address = address;
    this.#transports = transports;
    this.#listener = listener;
  }

  open() {
    this.#transport = this.#transports[0] === "polling" ? this.#openPolling() : this.#openSocket();
  }

  send(message) {
    this.#write("4" + message);
  }

  close() {
    this.#end({ refused: false, why: "left" });
  }

  #openPolling() {
    const url = new URL("/socket.io/?EIO=4&transport=polling", this.#address);
    return new Polling(url, {
      packet: (packet) => this.#packet(packet),
      ended: (end) => this.#end(end),
      frame: this.#listener.frame,
    });
  }

  #openSocket(sid) {
    const url = socketUrl(this.#address, "/socket.io/?EIO=4&transport=websocket");
    if (sid) url.searchParams.set("sid", sid);
    const socket = new Socket(url, {
      opened: () => sid && socket.send(["2probe"]),
      received: (data) => (socket === this.#probe ? this.#probed(data) : this.#packet(data)),
      ended: (end) => (socket === this.#probe && !this.#upgrading ? this.#stay() : this.#end(end)),
      frame: this.#listener.frame,
    });
    return socket;
  }

  #packet(packet) {
    if (this.#ended) return;
    if (typeof packet !== "string") return this.#binary(packet);
    const body = packet.slice(1);
    switch (packet[0]) {
      case "0": return this.#handshake(body);
      case "1": return this.#end({ refused: false, why: "server" });
      case "2": return this.#heartbeat(body);
      case "4": return this.#listener.message(body);
      case "b": return this.#binary(bytesOf(body));
      case "6": return;
      default: return this.#violated();
    }
  }

  #binary(bytes) {
    if (bytes) this.#listener.binary(bytes);
    else this.#violated();
  }

  #violated() {
    this.#end({ refused: false, why: "protocol" });
  }

  #handshake(body) {
    const session = parseJson(body);
    if (typeof session?.sid !== "string") return this.#violated();
    this.#session = session;
    const { sid, upgrades } = session;
    if (this.#transport.name === "polling") this.#transport.sid = sid;
    this.#rearm();
    this.#listener.opened(this.#transport.name);
    const next = this.#transports[1];
    if (next && upgrades.includes(next)) this.#probe = this.#openSocket(sid);
  }

  #heartbeat(body) {
    this.#rearm();
    this.#write("3" + body);
  }

  /** The server pings each `pingInterval`; one that is `pingTimeout` late will not come. Both in milliseconds. */
  #rearm() {
    clearTimeout(this.#watch);
    const { pingInterval, pingTimeout } = this.#session;
    this.#watch = setTimeout(() => this.#end({ refused: false, why: "silence" }), pingInterval + pingTimeout);
  }

  /** Moves over once the server knows the socket, the GET has come back and the POST has been taken. */
  async #probed(data) {
    if (data !== "3probe") return this.#probe.close();
    this.#upgrading = true;
    await Promise.all([this.#transport.stop(), this.#flushed]);
    if (this.#ended) return;
    this.#transport = this.#probe;
    this.#probe = undefined;
    this.#upgrading = false;
    this.#transport.send(["5"]);
    this.#listener.moved(this.#transport.name);
    this.#flush();
  }

  /** The probe failed before it mattered: polling goes on. */
  #stay() {
    this.#probe = undefined;
  }

  #write(packet) {
    if (this.#queue.length >= QUEUE_LIMIT) return this.#end({ refused: false, why: "full" });
    this.#queue.push(packet);
    this.#flush();
  }

  #flush() {
    if (this.#session && !this.#flushing) this.#flushed = this.#drain();
  }

  async #drain() {
    this.#flushing = true;
    while (this.#queue.length && !this.#upgrading) await this.#transport.send(this.#batch());
    this.#flushing = false;
  }

  /** As many waiting packets as one payload may hold (`maxPayload`, in bytes), and at least one. */
  #batch() {
    let room = this.#session.maxPayload;
    const excess = this.#queue.findIndex((packet, index) => (room -= byteLength(packet) + 1) < 0 && index > 0);
    return this.#queue.splice(0, excess < 0 ? this.#queue.length : excess);
  }

  #end(end) {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#watch);
    if (end.why !== "left") this.#queue.length = 0;
    this.#probe?.close();
    this.#flushed.then(() => this.#transport.close(end.why === "left"));
    this.#listener.ended(end);
  }
}
