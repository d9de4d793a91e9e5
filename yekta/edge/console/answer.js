/**
 * One streamed answer of the AI: the text so far, and whether more will come. Knows no DOM and no wire.
 *
 * waiting → streaming ⇄ interrupted, and from there → complete | failed. A chunk that carries a `seq` at or below
 * the last one seen is a repetition and adds nothing, so that a resumed stream may overlap; `seq` is also what a
 * resumption asks to continue from. Chunks without one are taken as they come.
 */

const LIMIT = 100_000; // characters kept: far beyond any answer, well within a phone

export class Answer {
  state = "waiting";
  text = "";
  seq = -1;

  constructor(messageId, question) {
    this.messageId = messageId;
    this.question = question;
  }

  get live() {
    return this.state === "waiting" || this.state === "streaming";
  }

  /** Before the first word, the server may give the answer a name of its own. */
  concerns({ messageId }) {
    return messageId === undefined || messageId === this.messageId || this.state === "waiting";
  }

  start({ messageId }) {
    this.messageId = messageId;
    this.state = "streaming";
  }

  /** Returns the text to append, which is empty for a repetition. */
  chunk({ chunk, seq }) {
    if (Number.isInteger(seq)) {
      if (seq <= this.seq) return "";
      this.seq = seq;
    }
    const added = String(chunk ?? "").slice(0, LIMIT - this.text.length);
    this.text += added;
    return added;
  }

  /** The server's `fullResponse` has the last word. */
  complete({ fullResponse }) {
    this.state = "complete";
    this.text = String(fullResponse ?? this.text).slice(0, LIMIT);
  }

  fail() {
    this.state = "failed";
  }

  interrupt() {
    this.state = "interrupted";
  }

  resume() {
    this.state = "streaming";
  }
}
