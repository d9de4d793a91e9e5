/** The connection panel: which server, which door, connect, disconnect, and what came of it. */

import { byId, onSubmit } from "./dom.js";
import { hush, isKnown, say } from "./language.js";
import { recall, remember } from "./memory.js";

const HERE = location.origin;
// Where it usually is beside an API.
const GATEWAY = location.hostname.startsWith("api.")
  ? HERE.replace("://api.", "://ws.")
  : `${location.protocol}//${location.hostname}:3500`;

export function startConnectionPanel(connection, session) {
  byId("server").value = recall("server", HERE);
  byId("door").value = recall("door", "socketio-upgrade");
  byId("server-here").addEventListener("click", () => { byId("server").value = HERE; });
  byId("server-gateway").addEventListener("click", () => { byId("server").value = GATEWAY; });
  byId("disconnect").addEventListener("click", () => connection.close());
  onSubmit(byId("connection-form"), ({ server, door }) => {
    remember("server", server ?? HERE);
    remember("door", door);
    connection.connect(door, server ?? HERE, session.token);
  });
  connection.addEventListener("state", () => show(connection));
  show(connection);
}

function show({ state, transport, socketId, end }) {
  const busy = state === "connecting" || state === "open";
  byId("connect").disabled = busy;
  byId("disconnect").disabled = !busy;
  for (const id of ["server", "door", "server-here", "server-gateway"]) byId(id).disabled = busy;
  byId("state").dataset.state = state;
  say(byId("state"), `state.${state}`);
  showDetail(state, transport, socketId, end);
}

function showDetail(state, transport, socketId, end) {
  const place = byId("state-detail");
  if (state === "open") say(place, "state.detail", { transport, socketId: socketId ?? "…" });
  else if (end) say(place, sentenceFor(end), { code: end.code, reason: end.reason });
  else hush(place);
}

/** Some close codes have a sentence of their own. */
function sentenceFor({ why, code }) {
  const special = `end.code.${code}`;
  return why === "code" && isKnown(special) ? special : `end.${why}`;
}
