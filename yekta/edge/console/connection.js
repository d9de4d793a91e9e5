/**
 * The connection the page has, if any: idle → connecting → open → closed, or connecting → refused.
 *
 * Dispatches `state` when any of its facts changes, `received` (detail: `{event, data}`) for each event, and
 * `frame` (detail: `{direction, data, via}`) for everything on the wire.
 */

import { openDoor } from "./doors.js";

const PATIENCE_MS = 15_000; // for a door to open; a browser alone would wait for minutes

export class Connection extends EventTarget {
  state = "idle";
  transport;
  socketId;
  end; // why it is closed or refused: see doors.js
  #door;
  #timer;

  connect(kind, server, token) {
    Object.assign(this, { end: undefined, transport: undefined, socketId: undefined });
    this.#set("connecting");
    try {
      this.#door = openDoor(kind, server, token, this.#listener());
      this.#timer = setTimeout(() => this.#giveUp(), PATIENCE_MS);
      this.#door.connect();
    } catch {
      this.#ended({ refused: true, why: "address" });
    }
  }

  /** Returns a Promise of the acknowledgement if one is wanted. Raises Error when nothing is open. */
  emit(event, data, wantsAck = false) {
    if (this.state !== "open") throw new Error("not connected");
    return this.#door.emit(event, data, wantsAck);
  }

  close() {
    this.#door?.close();
  }

  #listener() {
    return {
      opened: (transport) => this.#opened(transport),
      moved: (transport) => this.#set(this.state, { transport }),
      received: (event, data) => this.#received(event, data),
      ended: (end) => this.#ended(end),
      frame: (direction, data, via) => this.#dispatch("frame", { direction, data, via }),
    };
  }

  #opened(transport) {
    clearTimeout(this.#timer);
    this.#set("open", { transport });
  }

  #received(event, data) {
    if (event === "connected") this.#set(this.state, { socketId: data?.socketId });
    this.#dispatch("received", { event, data });
  }

  #giveUp() {
    this.#ended({ refused: true, why: "patience" });
    this.#door.close();
  }

  #ended(end) {
    if (this.state !== "connecting" && this.state !== "open") return;
    clearTimeout(this.#timer);
    this.#set(end.refused ? "refused" : "closed", { end });
  }

  #set(state, facts = {}) {
    Object.assign(this, facts, { state });
    this.#dispatch("state");
  }

  #dispatch(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
