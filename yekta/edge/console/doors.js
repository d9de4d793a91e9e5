/**
 * The four doors of the service behind one interface.
 *
 * A door has `connect()`, `emit(event, data, wantsAck)` and `close()`; `emit` returns a Promise of the
 * acknowledgement when one is wanted. It reports to a listener:
 *
 *   opened(transport)              events may now be emitted
 *   moved(transport)               Engine.IO has upgraded
 *   received(event, data)
 *   ended({refused, why, code, reason})   once, and nothing after it; `why` is a sentence `end.*` of words.js
 *   frame(direction, data, via)    everything on the wire: direction "in", "out" or "note", data text or bytes
 */

import { NativeDoor } from "./native.js";
import { SocketIoDoor } from "./socketio.js";

const TRANSPORTS = {
  "socketio-websocket": ["websocket"],
  "socketio-polling": ["polling"],
  "socketio-upgrade": ["polling", "websocket"],
};

/** `server` is an http(s) or ws(s) URL; raises TypeError if it is none. */
export function openDoor(kind, server, token, listener) {
  const address = new URL(server);
  if (kind === "native") return new NativeDoor(address, token, listener);
  return new SocketIoDoor(address, TRANSPORTS[kind], token, listener);
}
