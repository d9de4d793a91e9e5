/** The traffic panel: every frame and packet, in and out, as it was on the wire, with tokens masked. */

import { byId, clockTime, element, keepingEndInView } from "./dom.js";
import { say } from "./language.js";
import { mask } from "./mask.js";
import { describe } from "./socketio.js";

const LIMIT = 500; // entries kept: the conversation at hand, light enough for a phone
const SHOWN_LIMIT = 2000; // characters of one entry
const ARROWS = { in: "←", out: "→", note: "·" };

const entries = []; // the list's items, oldest first; some wait to be shown
let paused = false;
let due = false; // a rendering is under way

export function startTrafficPanel(connection) {
  connection.addEventListener("frame", ({ detail }) => add(detail));
  byId("traffic-filter").addEventListener("input", filterAll);
  byId("traffic-direction").addEventListener("change", filterAll);
  byId("traffic-clear").addEventListener("click", clear);
  byId("traffic-pause").addEventListener("click", togglePause);
  showCount();
}

function add({ direction, data, via }) {
  const entry = entryFor(direction, data, via);
  filter(entry);
  entries.push(entry);
  if (entries.length > LIMIT) entries.shift().remove();
  if (!due) requestAnimationFrame(render);
  due = true;
}

/** Once per picture, however many frames came: laying the page out for each would outlast a heartbeat. */
function render() {
  due = false;
  const waiting = paused ? [] : entries.filter((entry) => !entry.isConnected);
  keepingEndInView(byId("traffic"), () => byId("traffic").append(...waiting));
  showCount();
}

function entryFor(direction, data, via) {
  const text = mask(typeof data === "string" ? data : describe(data));
  const shown = text.length > SHOWN_LIMIT ? `${text.slice(0, SHOWN_LIMIT)} … (${text.length})` : text;
  const size = direction === "note" ? "" : `${sizeOf(data)} B`;
  const entry = element("li", {},
    element("time", { textContent: clockTime() }),
    element("span", { className: "arrow", textContent: ARROWS[direction], ariaLabel: direction }),
    element("span", { className: "via", textContent: via }),
    element("span", { className: "size", textContent: size }),
    element("code", { textContent: shown }));
  entry.dataset.direction = direction;
  return entry;
}

function sizeOf(data) {
  return typeof data === "string" ? new TextEncoder().encode(data).length : data.byteLength;
}

function filter(entry) {
  const direction = byId("traffic-direction").value;
  const wanted = byId("traffic-filter").value.toLowerCase();
  const here = direction === "all" || direction === entry.dataset.direction;
  entry.hidden = !(here && entry.textContent.toLowerCase().includes(wanted));
}

function filterAll() {
  entries.forEach(filter);
  showCount();
}

function clear() {
  for (const entry of entries.splice(0)) entry.remove();
  showCount();
}

function togglePause() {
  paused = !paused;
  byId("traffic-pause").ariaPressed = String(paused);
  say(byId("traffic-pause"), paused ? "traffic.resume" : "traffic.pause");
  render();
}

function showCount() {
  const shown = entries.filter((entry) => !entry.hidden).length;
  say(byId("traffic-count"), "traffic.count", { shown, kept: entries.length, limit: LIMIT });
}
