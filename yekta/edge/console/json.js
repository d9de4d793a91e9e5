/** The value of a JSON text; undefined if it is not JSON (which has no undefined of its own). */
export function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
