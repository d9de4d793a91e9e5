/** The console page: makes the session and the connection, and gives each panel what it shows. */

import { Connection } from "./connection.js";
import { startLanguage } from "./language.js";
import { ChatPanel } from "./panel-chat.js";
import { startConnectionPanel } from "./panel-connection.js";
import { startEventsPanel } from "./panel-events.js";
import { startSessionPanel } from "./panel-session.js";
import { startTrafficPanel } from "./panel-traffic.js";
import { Session } from "./session.js";
import { startTheme } from "./theme.js";

const session = new Session();
const connection = new Connection();

startTheme();
startLanguage((name) => chat.speak(name));
startTrafficPanel(connection);
startSessionPanel(session);
startConnectionPanel(connection, session);
startEventsPanel(connection);
const chat = new ChatPanel(connection);

// A browser keeps the reason of a refused WebSocket to itself; the session's state often is that reason.
connection.addEventListener("state", () => {
  if (connection.state === "refused" && session.token) session.refresh();
});
document.body.dataset.ready = "true";
