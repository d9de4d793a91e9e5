/** Answers that are awaited by number: Socket.IO acknowledgements, and replies to a native `id`. */

const LIMIT = 100; // awaited at a time; more means that nobody answers
const PATIENCE_MS = 60_000; // a whole AI answer may be acknowledged only at its end

export class Acks {
  #waiting = new Map();
  #last = 0;

  /** Returns `{id, answer}`; `answer` rejects with an Error after PATIENCE_MS or when the connection ends. */
  expect() {
    if (this.#waiting.size >= LIMIT) throw new Error(`${LIMIT} acknowledgements are awaited already`);
    const id = ++this.#last;
    const answer = new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#take(id)?.reject(new Error("timeout")), PATIENCE_MS);
      this.#waiting.set(id, { resolve, reject, timer });
    });
    return { id, answer };
  }

  settle(id, value) {
    this.#take(id)?.resolve(value);
  }

  abandon() {
    for (const id of [...this.#waiting.keys()]) this.#take(id).reject(new Error("connection ended"));
  }

  #take(id) {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    clearTimeout(waiting?.timer);
    return waiting;
  }
}
