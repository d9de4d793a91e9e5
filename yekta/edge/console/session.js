/**
 * The session: its token, and the REST calls under /api/auth that make, show and end it.
 *
 * The token lives in memory and in this tab's sessionStorage, and nowhere else: no cookie is sent, no URL
 * carries it. Dispatches `change` after every call.
 */

import { parseJson } from "./json.js";

const KEY = "yekta.console.token";

export class Session extends EventTarget {
  #token = readStored();

  /** The last answer, `{success, data, message, error}`; without a word in it, the server was not reached. */
  answer = {};
  /** `{userId, isLoggedIn, expiresAt}` as the server last told it, or undefined. */
  facts;

  get token() {
    return this.#token;
  }

  async acquire() {
    const body = await this.#call("POST", "acquire-session");
    if (body.success) await this.use(body.data.token);
  }

  register(fields) {
    return this.#call("POST", "register", fields);
  }

  async login(fields) {
    const body = await this.#call("POST", "login", fields);
    if (body.success) await this.use(body.data.token, body);
  }

  async logout() {
    const body = await this.#call("POST", "logout");
    if (body.success) this.forget(body);
  }

  /** Takes a token from wherever the reader has it, and asks what it is worth. */
  async use(token, said) {
    this.#keep(token);
    await this.refresh(said);
  }

  /** Asks for the session's state; `said` is an earlier answer worth keeping in view. */
  async refresh(said) {
    const body = await this.#call("GET", "session");
    this.facts = body.success ? body.data : undefined;
    this.#changed(body.success && said ? said : body);
  }

  forget(said = {}) {
    this.#keep("");
    this.facts = undefined;
    this.#changed(said);
  }

  #keep(token) {
    this.#token = token;
    try {
      sessionStorage.setItem(KEY, token);
    } catch {
      // Storage may be forbidden: the token then lasts as long as the page.
    }
  }

  async #call(method, name, fields) {
    const headers = this.#token ? { Authorization: `Bearer ${this.#token}` } : {};
    if (method === "POST") headers["Content-Type"] = "application/json";
    const body = method === "POST" ? JSON.stringify(fields ?? {}) : undefined;
    const answer = await ask(`/api/auth/${name}`, { method, headers, body, credentials: "omit" });
    this.#changed(answer);
    return answer;
  }

  #changed(answer) {
    this.answer = answer;
    this.dispatchEvent(new Event("change"));
  }
}

function readStored() {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

/** The JSON answer, whatever its status: `success` decides. One that is not ours becomes `{success: false}`. */
async function ask(path, options) {
  try {
    const response = await fetch(path, options);
    return parseJson(await response.text()) ?? { success: false, error: `HTTP ${response.status}` };
  } catch {
    return { success: false };
  }
}
