/** The reader's choices (language, theme, server, door), kept in this browser. Never a token. */

const PREFIX = "yekta.console.";

export function recall(name, fallback) {
  try {
    return localStorage.getItem(PREFIX + name) ?? fallback;
  } catch {
    return fallback; // Storage may be forbidden: the page works without.
  }
}

export function remember(name, value) {
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // As above.
  }
}
