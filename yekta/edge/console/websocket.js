/** A WebSocket as both protocols use it: text out, text or bytes in, every frame shown, one account of its end. */

/** `path` on the server at `address`, with the scheme ws or wss. */
export function socketUrl(address, path) {
  const url = new URL(path, address);
  url.protocol = url.protocol.replace("http", "ws");
  return url;
}

export class Socket {
  name = "websocket";
  #socket;
  #listener;
  #opened = false;
  #left = false;

  /** Connects at once. `listener` has `opened()`, `received(data)`, `ended(end)` and `frame(direction, data, via)`. */
  constructor(url, listener) {
    this.#listener = listener;
    this.#show("note", `WebSocket ${url}`);
    this.#socket = new WebSocket(url);
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onopen = () => {
      this.#opened = true;
      listener.opened();
    };
    this.#socket.onmessage = ({ data }) => {
      this.#show("in", data);
      listener.received(data);
    };
    this.#socket.onclose = ({ code, reason }) => {
      this.#show("note", `close ${code} ${reason}`);
      listener.ended({ refused: this.#why() === "hidden", why: this.#why(), code, reason });
    };
  }

  send(packets) {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    for (const packet of packets) {
      this.#show("out", packet);
      this.#socket.send(packet);
    }
  }

  close() {
    this.#left = true;
    this.#socket.close(1000);
  }

  /** A socket that never opened says only 1006: browsers keep the refusal's status and text from the page. */
  #why() {
    if (this.#left) return "left";
    return this.#opened ? "code" : "hidden";
  }

  #show(direction, data) {
    this.#listener.frame(direction, data, this.name);
  }
}
