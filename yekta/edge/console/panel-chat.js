/** The chat panel: a conversation with the AI, one answer at a time, as it streams. */

import { Answer } from "./answer.js";
import { byId, element, keepingEndInView, onSubmit } from "./dom.js";
import { hush, isKnown, language, say } from "./language.js";

const HISTORY_LIMIT = 10; // turns sent along: the server uses no more
const TURN_LIMIT = 20_000; // characters of one turn sent along: the server refuses longer ones
const SHOWN_LIMIT = 100; // turns on the page

export class ChatPanel {
  #connection;
  #history = []; // {role, content} of the turns that were completed
  #answer;
  #text; // the text node that the answer streams into
  #note;

  constructor(connection) {
    this.#connection = connection;
    byId("chat-locale").value = language();
    onSubmit(byId("chat-form"), () => this.#ask());
    byId("chat-input").addEventListener("keydown", sendOnEnter);
    byId("chat-cancel").addEventListener("click", () => this.#cancel());
    byId("chat-clear").addEventListener("click", () => this.#clear());
    connection.addEventListener("received", ({ detail }) => this.#received(detail.event, Object(detail.data)));
    connection.addEventListener("state", () => this.#stateChanged());
    this.#showControls();
  }

  /** The reader's language is the likeliest one for the answer as well. */
  speak(locale) {
    byId("chat-locale").value = locale;
  }

  #ask() {
    const message = byId("chat-input").value.trim();
    if (!message || byId("chat-send").disabled) return;
    this.#answer = new Answer(newMessageId(), message);
    this.#show("user", message);
    [this.#text, this.#note] = this.#show("assistant", "");
    byId("chat-input").value = "";
    this.#showControls();
    this.#connection.emit("ai:chat", {
      message,
      conversationHistory: this.#history,
      locale: byId("chat-locale").value,
      messageId: this.#answer.messageId,
    });
  }

  #cancel() {
    this.#connection.emit("ai:cancel", { messageId: this.#answer.messageId });
  }

  #clear() {
    this.#history = [];
    byId("chat-log").replaceChildren();
  }

  #received(event, data) {
    if (!this.#answer?.live) return;
    const failed = event === "error" && ["ai:chat", "ai:resume"].includes(data.event);
    if (failed && this.#answer.concerns(data)) return this.#fail(data);
    if (event === "ai:notice" && this.#answer.concerns(data)) return this.#notice(data);
    if (!event.startsWith("ai:response:") || !this.#answer.concerns(data)) return;
    switch (event.slice("ai:response:".length)) {
      case "start": return this.#answer.start(data);
      case "chunk": return this.#append(this.#answer.chunk(data));
      case "complete": return this.#complete(data);
      case "error": return this.#fail(data);
    }
  }

  /** Help lines come before the answer, and stay on the page whatever becomes of it. */
  #notice({ text }) {
    const notice = element("article", { className: "turn notice" }, element("p", { dir: "auto" }, String(text)));
    keepingEndInView(byId("chat-log"), () => this.#text.parentNode.parentNode.before(notice));
  }

  #append(text) {
    keepingEndInView(byId("chat-log"), () => this.#text.appendData(text));
  }

  #complete(data) {
    const shown = this.#text.data;
    this.#answer.complete(data);
    if (shown !== this.#answer.text) this.#text.data = this.#answer.text;
    this.#learn(this.#answer);
    const note = `chat.finish.${data.finishReason}`;
    if (isKnown(note)) say(this.#note, note);
    this.#showControls();
  }

  #learn({ question, text }) {
    if (!text) return;
    const content = text.slice(0, TURN_LIMIT);
    this.#history.push({ role: "user", content: question }, { role: "assistant", content });
    this.#history = this.#history.slice(-HISTORY_LIMIT);
  }

  #fail({ error }) {
    this.#answer.fail();
    say(this.#note, "chat.failed", { reason: error });
    this.#note.classList.add("bad");
    this.#showControls();
  }

  /** A lost connection interrupts the answer; the next one goes on after the last chunk that came. */
  #stateChanged() {
    const open = this.#connection.state === "open";
    if (!open && this.#answer?.live) {
      this.#answer.interrupt();
      say(this.#note, "chat.interrupted");
    } else if (open && this.#answer?.state === "interrupted") {
      this.#answer.resume();
      hush(this.#note);
      const { messageId, seq } = this.#answer;
      this.#connection.emit("ai:resume", { messageId, seq });
    }
    this.#showControls();
  }

  #showControls() {
    const live = this.#answer?.live ?? false;
    const open = this.#connection.state === "open";
    byId("chat-send").disabled = live || !open;
    byId("chat-cancel").disabled = !live || !open;
    byId("chat-clear").disabled = live;
    // A screen reader hears the answer once it is whole, not word by word.
    byId("chat-log").ariaBusy = String(live);
    this.#text?.parentNode.classList.toggle("live", live);
    if (open) hush(byId("chat-note"));
    else say(byId("chat-note"), "chat.offline");
  }

  /** Adds a turn to the log; returns its text node and the place for a note. */
  #show(role, content) {
    const text = document.createTextNode(content);
    const note = element("small", { className: "note" });
    const turn = element("article", { className: `turn ${role}` }, element("p", { dir: "auto" }, text), note);
    const log = byId("chat-log");
    log.append(turn);
    while (log.children.length > SHOWN_LIMIT) log.firstElementChild.remove();
    log.scrollTop = log.scrollHeight;
    return [text, note];
  }
}

function sendOnEnter(event) {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  byId("chat-form").requestSubmit();
}

/** randomUUID exists on https and localhost only. */
function newMessageId() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return "console-" + [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
