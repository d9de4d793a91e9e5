/** The events panel: every event of the contract with a payload to edit, a free one, and the last replies. */

import { byId, clockTime, element, onSubmit } from "./dom.js";
import { hush, language, say } from "./language.js";
import { mask } from "./mask.js";

const GREETINGS = {
  en: "I feel tired today. What could help?",
  fa: "امروز خسته‌ام. چه چیزی کمکم می‌کند؟",
};
const PRESETS = {
  ping: () => ({}),
  status: () => ({}),
  echo: () => ({ message: "Hello World" }),
  info: () => ({}),
  message: () => ({ content: "Hello" }),
  "ai:chat": () => ({ message: GREETINGS[language()], locale: language(), conversationHistory: [] }),
  "ai:cancel": () => ({ messageId: "" }),
};
const REPLIES_LIMIT = 20; // shown at a time; the traffic keeps more
const REPLY_LIMIT = 4000; // characters of one reply

const drafts = new Map(); // event → its payload as last edited
let chosen;
let pingedAt;

export function startEventsPanel(connection) {
  byId("presets").append(...Object.keys(PRESETS).map(presetButton));
  onSubmit(byId("event-form"), () => send(connection));
  byId("payload").addEventListener("keydown", sendOnCtrlEnter);
  connection.addEventListener("received", ({ detail }) => received(detail));
  connection.addEventListener("state", () => { byId("send-event").disabled = connection.state !== "open"; });
  choose("ping");
}

function presetButton(event) {
  const button = element("button", { type: "button", id: `event-${event.replace(":", "-")}`, textContent: event });
  button.addEventListener("click", () => choose(event));
  return button;
}

function choose(event) {
  if (chosen) drafts.set(chosen, byId("payload").value);
  chosen = event;
  byId("event-name").value = event;
  byId("payload").value = drafts.get(event) ?? JSON.stringify(PRESETS[event](), null, 2);
  for (const button of byId("presets").children) button.ariaPressed = String(button.textContent === event);
}

function sendOnCtrlEnter(event) {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  byId("event-form").requestSubmit();
}

function send(connection) {
  const payload = readPayload();
  const event = byId("event-name").value.trim();
  if (!payload || !event) return;
  if (event === "ping") pingedAt = performance.now();
  const wantsAck = byId("want-ack").checked;
  try {
    const answer = connection.emit(event, payload.data, wantsAck);
    answer?.then((data) => showReply(`ack ${event}`, data), (error) => showReply(`ack ${event}`, error.message));
  } catch (error) {
    say(byId("payload-error"), "verbatim", { text: error.message });
  }
}

/** `{data}`, undefined data for an empty box; nothing, and a word to the reader, if it is not JSON. */
function readPayload() {
  const box = byId("payload");
  const text = box.value.trim();
  try {
    const data = text ? JSON.parse(text) : undefined;
    box.ariaInvalid = "false";
    hush(byId("payload-error"));
    return { data };
  } catch (error) {
    box.ariaInvalid = "true";
    say(byId("payload-error"), "events.not-json", { reason: error.message });
    return undefined;
  }
}

function received({ event, data }) {
  if (event === "ai:response:chunk") return; // the chat and the traffic show them
  if (event === "ai:response:start") drafts.set("ai:cancel", JSON.stringify({ messageId: data?.messageId }, null, 2));
  if (event === "pong" && pingedAt !== undefined) showLatency();
  showReply(event, data);
}

function showLatency() {
  say(byId("latency"), "events.latency", { ms: (performance.now() - pingedAt).toFixed(1) });
  pingedAt = undefined;
}

function showReply(title, data) {
  const text = mask(JSON.stringify(data, null, 2) ?? "").slice(0, REPLY_LIMIT);
  const time = element("time", { textContent: clockTime() });
  const head = element("header", {}, element("b", { textContent: title }), time);
  const reply = element("li", {}, head, element("pre", { textContent: text }));
  reply.dataset.event = title;
  byId("replies").prepend(reply);
  while (byId("replies").children.length > REPLIES_LIMIT) byId("replies").lastElementChild.remove();
}
