/** Engine.IO's HTTP long-polling: one GET that waits for packets, one POST at a time that brings some. */

import { parseJson } from "./json.js";

const SEPARATOR = "\x1e";
const REASON_LIMIT = 200; // characters of a refusal that are shown: a proxy may answer a whole page

export class Polling {
  name = "polling";
  #url;
  #listener;
  #polling;
  #stopped = false;
  #abort = new AbortController();

  /** Polls at once. `listener` has `packet(packet)`, `ended(end)` and `frame(direction, data, via)`. */
  constructor(url, listener) {
    this.#url = url;
    this.#listener = listener;
    this.#show("note", `GET ${url}`);
    this.#polling = this.#poll();
  }

  set sid(sid) {
    this.#url.searchParams.set("sid", sid);
  }

  async send(packets) {
    for (const packet of packets) this.#show("out", packet);
    await this.#request("POST", packets.join(SEPARATOR));
  }

  /** Asks for no more; resolves once the GET under way is answered. */
  stop() {
    this.#stopped = true;
    return this.#polling;
  }

  /** Says goodbye, if the server still listens: aborting the GET alone would look like a lost connection. */
  async close(goodbye) {
    this.#stopped = true;
    if (goodbye && this.#connected) await this.send(["1"]);
    this.#abort.abort();
  }

  get #connected() {
    return this.#url.searchParams.has("sid");
  }

  async #poll() {
    while (!this.#stopped) {
      const payload = await this.#request("GET");
      if (payload === undefined) return;
      for (const packet of payload.split(SEPARATOR)) {
        this.#show("in", packet);
        this.#listener.packet(packet);
      }
    }
  }

  /** The body of a good answer; undefined after any other, which has been reported as the end. */
  async #request(method, body) {
    try {
      const response = await fetch(this.#url, { method, body, cache: "no-store", signal: this.#abort.signal });
      const text = await response.text();
      if (response.ok) return text;
      this.#show("note", `${method} ${response.status} ${text.slice(0, REASON_LIMIT)}`);
      this.#ended({ why: "http", code: response.status, reason: reasonIn(text) });
    } catch {
      this.#ended({ why: "network" });
    }
  }

  #ended(end) {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort();
    this.#stopped = true;
    this.#listener.ended({ refused: !this.#connected, ...end });
  }

  #show(direction, data) {
    this.#listener.frame(direction, data, this.name);
  }
}

/** Engine.IO refuses with `{code, message}`; a proxy or a guard with plain text. */
function reasonIn(text) {
  return String(parseJson(text)?.message ?? text).slice(0, REASON_LIMIT);
}
