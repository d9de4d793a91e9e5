/** English or Persian: fills every element that names a sentence, now and when the language changes. */

import { recall, remember } from "./memory.js";
import { byId } from "./dom.js";
import { WORDS } from "./words.js";

const LANGUAGES = ["en", "fa"]; // the order of the columns in words.js
const DIRECTIONS = { en: "ltr", fa: "rtl" };

let current = "en";
const fillings = new WeakMap(); // element → the values of its sentence

export const language = () => current;
export const isKnown = (key) => key in WORDS;

/** A value takes its own direction (Unicode isolates), so that code and numbers stay left to right. */
const isolate = (value) => `\u2068${value}\u2069`;

export function phrase(key, filling = {}) {
  const sentence = WORDS[key][LANGUAGES.indexOf(current)];
  return sentence.replace(/\{(\w+)\}/g, (_, name) => isolate(filling[name] ?? ""));
}

/** Shows a sentence in `element`, which keeps up with later changes of language. */
export function say(element, key, filling) {
  element.dataset.word = key;
  fillings.set(element, filling);
  element.textContent = phrase(key, filling);
}

export function hush(element) {
  delete element.dataset.word;
  element.textContent = "";
}

function setLanguage(name) {
  current = name;
  document.documentElement.lang = name;
  document.documentElement.dir = DIRECTIONS[name];
  byId("language").value = name;
  for (const node of document.querySelectorAll("[data-word]")) say(node, node.dataset.word, fillings.get(node));
  for (const node of document.querySelectorAll("[data-label]")) node.ariaLabel = phrase(node.dataset.label);
  for (const node of document.querySelectorAll("[data-hint]")) node.placeholder = phrase(node.dataset.hint);
}

/** `changed(name)` is called when the reader picks a language. */
export function startLanguage(changed) {
  const known = recall("language", navigator.language.slice(0, 2));
  setLanguage(LANGUAGES.includes(known) ? known : "en");
  byId("language").addEventListener("change", (event) => {
    setLanguage(event.target.value);
    remember("language", event.target.value);
    changed(event.target.value);
  });
}
