/** Light, dark, or as the system says. The colours themselves are style.css's. */

import { byId } from "./dom.js";
import { recall, remember } from "./memory.js";

const THEMES = ["auto", "light", "dark"];

function setTheme(name) {
  document.documentElement.dataset.theme = name;
  byId("theme").value = name;
}

export function startTheme() {
  const known = recall("theme", "auto");
  setTheme(THEMES.includes(known) ? known : "auto");
  byId("theme").addEventListener("change", (event) => {
    setTheme(event.target.value);
    remember("theme", event.target.value);
  });
}
