/**
 * The Socket.IO door: Socket.IO protocol 5 on the namespace `/`, the client's side, with JSON events and
 * acknowledgements. Binary attachments are received and described, not sent.
 */

import { Acks } from "./acks.js";
import { parseJson } from "./json.js";
import { Engine } from "./engineio.js";

const [CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR, BINARY_EVENT, BINARY_ACK] = "0123456";
const CARRIES_ARRAY = new Set([EVENT, ACK, BINARY_EVENT, BINARY_ACK]);
const ATTACHMENT_LIMIT = 10; // per packet, as the reference server has it
const SHOWN_BYTES = 16; // of an attachment, enough to recognise a file by its head

/** `<type>[<attachments>-][/<namespace>,][<ack id>][JSON]`; undefined if it is not a packet. */
export function decode(text) {
  const parts = /^([0-6])(?:(\d+)-)?(?:(\/[^,]*),)?(\d+)?(.*)$/s.exec(text);
  if (!parts) return undefined;
  const [, type, attachments = "0", namespace = "/", id, json] = parts;
  const data = parseJson(json);
  if (CARRIES_ARRAY.has(type) && !Array.isArray(data)) return undefined;
  return { type, attachments: Number(attachments), namespace, id: id && Number(id), data };
}

export function encodeEvent(args, id = "") {
  return EVENT + id + JSON.stringify(args);
}

/** What stands for an attachment where its placeholder was. */
export function describe(bytes) {
  const head = [...new Uint8Array(bytes, 0, Math.min(bytes.byteLength, SHOWN_BYTES))];
  const hex = head.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return `<${bytes.byteLength} bytes: ${hex}${bytes.byteLength > SHOWN_BYTES ? " …" : ""}>`;
}

function fillPlaceholders(json, attachments) {
  return JSON.parse(JSON.stringify(json), (_, value) =>
    value?._placeholder === true ? describe(attachments[value.num] ?? new ArrayBuffer(0)) : value);
}

export class SocketIoDoor {
  #engine;
  #token;
  #listener;
  #transport; // its name, once the engine is open
  #acks = new Acks();
  #pending; // the packet whose attachments are still to come
  #attachments = [];
  #over = false;

  constructor(address, transports, token, listener) {
    this.#token = token;
    this.#listener = listener;
    this.#engine = new Engine(address, transports, {
      opened: (transport) => this.#join(transport),
      moved: (transport) => this.#moved(transport),
      message: (text) => this.#message(text),
      binary: (bytes) => this.#attachment(bytes),
      ended: (end) => this.#ended(end),
      frame: listener.frame,
    });
  }

  connect() {
    this.#engine.open();
  }

  emit(event, data, wantsAck) {
    const { id, answer } = wantsAck ? this.#acks.expect() : {};
    this.#engine.send(encodeEvent(data === undefined ? [event] : [event, data], id));
    return answer;
  }

  close() {
    if (this.#transport) this.#engine.send(DISCONNECT);
    this.#engine.close();
  }

  #join(transport) {
    this.#transport = transport;
    this.#engine.send(CONNECT + (this.#token ? JSON.stringify({ token: this.#token }) : ""));
  }

  #moved(transport) {
    this.#transport = transport;
    this.#listener.moved(transport);
  }

  #message(text) {
    const packet = decode(text);
    if (!packet || this.#pending || packet.attachments > ATTACHMENT_LIMIT) return this.#leave({ why: "protocol" });
    if (packet.attachments) this.#pending = packet;
    else this.#packet(packet);
  }

  #attachment(bytes) {
    if (!this.#pending) return this.#leave({ why: "protocol" });
    this.#attachments.push(bytes);
    if (this.#attachments.length < this.#pending.attachments) return;
    const packet = { ...this.#pending, data: fillPlaceholders(this.#pending.data, this.#attachments) };
    this.#pending = undefined;
    this.#attachments = [];
    this.#packet(packet);
  }

  #packet({ type, namespace, id, data }) {
    if (namespace !== "/") return;
    switch (type) {
      case CONNECT: return this.#listener.opened(this.#transport);
      case EVENT: case BINARY_EVENT: return this.#listener.received(String(data[0]), data[1]);
      case ACK: case BINARY_ACK: return this.#acks.settle(id, data[0]);
      case CONNECT_ERROR: return this.#leave({ refused: true, why: "refused", reason: data?.message });
      case DISCONNECT: return this.#leave({ why: "server" });
    }
  }

  /** Ends for a reason of ours, which comes before the engine's own account of it. */
  #leave(end) {
    this.#ended({ refused: false, ...end });
    this.#engine.close();
  }

  #ended(end) {
    if (this.#over) return;
    this.#over = true;
    this.#acks.abandon();
    this.#listener.ended(end);
  }
}
