/** The native door: one JSON text frame `{event, data, id?}` per event, both ways. */

import { Acks } from "./acks.js";
import { parseJson } from "./json.js";
import { Socket, socketUrl } from "./websocket.js";

export class NativeDoor {
  #url;
  #listener;
  #socket;
  #acks = new Acks();

  constructor(address, token, listener) {
    this.#url = socketUrl(address, address.pathname === "/" ? "/ws" : address.pathname);
    // A browser can give a WebSocket no header: the query is the only place for the token.
    if (token) this.#url.searchParams.set("token", token);
    this.#listener = listener;
  }

  connect() {
    this.#socket = new Socket(this.#url, {
      opened: () => this.#listener.opened("websocket"),
      received: (frame) => this.#received(frame),
      ended: (end) => this.#ended(end),
      frame: this.#listener.frame,
    });
  }

  emit(event, data, wantsAck) {
    const { id, answer } = wantsAck ? this.#acks.expect() : {};
    this.#socket.send([JSON.stringify({ event, data, id })]);
    return answer;
  }

  close() {
    this.#socket.close();
  }

  /** What is not an event of ours is shown as traffic and goes no further. */
  #received(frame) {
    const { event, data, id } = Object(parseJson(frame));
    if (id !== undefined) this.#acks.settle(id, data);
    if (typeof event === "string") this.#listener.received(event, data);
  }

  #ended(end) {
    this.#acks.abandon();
    this.#listener.ended(end);
  }
}
