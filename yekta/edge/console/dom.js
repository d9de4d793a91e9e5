/** The DOM helpers that the panels share. Text only ever becomes text nodes: nothing here parses HTML. */

export const byId = (id) => document.getElementById(id);

export function element(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

/** The fields of a form by name; empty ones are left out, as the server takes absent for unknown. */
export function fieldsOf(form) {
  return Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));
}

/** Calls `handler(fields)` when the form is sent, instead of leaving the page. */
export function onSubmit(form, handler) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    handler(fieldsOf(form));
  });
}

/** Runs `change`, which may add to `list`, and keeps its end in view if that is where the reader was. */
export function keepingEndInView(list, change) {
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  change();
  if (atEnd) list.scrollTop = list.scrollHeight;
}

export function clockTime(date = new Date()) {
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, "0"))
    .join(":") + "." + String(date.getMilliseconds()).padStart(3, "0");
}
