/** The session panel: shows the masked token and the account, and offers the calls of session.js. */

import { byId, onSubmit } from "./dom.js";
import { hush, say } from "./language.js";
import { maskToken } from "./mask.js";

export function startSessionPanel(session) {
  byId("acquire").addEventListener("click", () => session.acquire());
  byId("refresh").addEventListener("click", () => session.refresh());
  byId("logout").addEventListener("click", () => session.logout());
  byId("forget").addEventListener("click", () => session.forget());
  byId("copy-token").addEventListener("click", () => copy(session.token));
  startForm("login-form", session, (fields) => session.login(fields));
  startForm("register-form", session, (fields) => session.register(fields));
  startForm("token-form", session, ({ token }) => session.use(token.trim()));
  session.addEventListener("change", () => show(session));
  show(session);
  if (session.token) session.refresh();
}

/** No secret stays in a form once it has served. */
function startForm(id, session, action) {
  const form = byId(id);
  onSubmit(form, async (fields) => {
    await action(fields);
    if (session.answer.success) form.reset();
  });
}

function show(session) {
  const { token, facts, answer } = session;
  byId("token").textContent = token ? maskToken(token) : "—";
  for (const id of ["copy-token", "forget", "refresh", "logout"]) byId(id).disabled = !token;
  if (!token) say(byId("account"), "session.none");
  else if (!facts) say(byId("account"), "session.unknown");
  else if (facts.isLoggedIn) say(byId("account"), "session.user", { user: facts.userId, until: day(facts.expiresAt) });
  else say(byId("account"), "session.anonymous", { until: day(facts.expiresAt) });
  showAnswer(answer);
}

function showAnswer({ success, error, message }) {
  const place = byId("session-answer");
  place.classList.toggle("bad", success === false);
  const text = [error, message].filter(Boolean).join(" — ");
  if (success === false && !text) say(place, "session.unreachable");
  else if (text) say(place, "verbatim", { text });
  else hush(place);
}

const day = (timestamp) => String(timestamp).slice(0, 10);

/** The clipboard interface exists on https and localhost only; elsewhere a selection must do. */
async function copy(text) {
  if (navigator.clipboard) await navigator.clipboard.writeText(text);
  else copyBySelection(text);
  say(byId("session-answer"), "session.copied");
}

function copyBySelection(text) {
  const field = Object.assign(document.createElement("textarea"), { value: text });
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}
