// Menus and forms over the page: actions on a message, and small forms.

import { act } from "./act.js";
import { at, button, make } from "./dom.js";
import { startEdit, startQuote } from "./compose.js";
import { isMine } from "./model.js";
import { store } from "./store.js";

export const REACTIONS = { like: "👍", heart: "❤️", laugh: "😆", surprised: "😮", sad: "🙁", angry: "😡" };

/** Opens a menu below `anchor`; each item is an element. */
export function openMenu(anchor, items) {
  const menu = at("menu");
  menu.replaceChildren(...items);
  menu.onclick = (event) => { if (event.target.closest("button")) menu.hidePopover(); };
  menu.showPopover();
  const place = anchor.getBoundingClientRect();
  const left = Math.max(4, Math.min(place.left, innerWidth - menu.offsetWidth - 4));
  const top = place.bottom + menu.offsetHeight < innerHeight ? place.bottom : Math.max(4, place.top - menu.offsetHeight);
  Object.assign(menu.style, { left: `${left}px`, top: `${top}px` });
  menu.querySelector("button")?.focus();
}

export const item = (label, onclick) => button(label, onclick, { role: "menuitem" });

/** Opens the actions on a message. */
export function openMessageMenu(anchor, message, conversation) {
  const spot = { person: store.person, conversation, activity: message.key };
  const items = [item("Reply with a quote", () => startQuote(message, conversation)),
    item("Copy text", () => navigator.clipboard.writeText(message.text ?? ""))];
  if (message.agent) {
    const react = ([kind, sign]) => button(sign, () => act({ act: "react", ...spot, kind }), { role: "menuitem", "aria-label": kind });
    items.unshift(make("div", { class: "row", role: "group", "aria-label": "React" }, ...Object.entries(REACTIONS).map(react)));
  } else if (isMine(message, conversation)) {
    const change = (change) => act({ act: "change", number: message.number, change });
    if (message.deleted) items.push(item("Undo deletion", () => change("undelete")));
    else items.push(item("Edit", () => startEdit(message, conversation)), item("Delete", () => change("delete")));
    items.push(item("Deliver again, same id", () => act({ act: "redeliver", id: "same", number: message.number })),
      item("Deliver again, new id", () => act({ act: "redeliver", id: "new", number: message.number })));
  }
  openMenu(anchor, items);
}

/** Asks for values; returns them by name, null if it was closed. Each field: name, label, and `value`, `options` or `type`. */
export function ask(title, fields, done = "OK") {
  const dialog = at("dialog");
  const form = at("dialog-form");
  const inputs = fields.map(field);
  const cancel = button("Cancel", () => dialog.close("cancel"));
  form.replaceChildren(make("h2", { id: "dialog-title" }, title), ...inputs,
    make("div", { class: "row" }, make("button", { class: "primary", value: "done" }, done), cancel));
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = () => resolve(dialog.returnValue === "done" ? valuesOf(form, fields) : null);
  });
}

function field({ name, label, value = "", options, type = "text", required = true }) {
  if (type === "several") {
    const one = ([key, text]) => make("label", {}, make("input", { type: "checkbox", name, value: key, checked: value.includes(key) }), text);
    return make("fieldset", {}, make("legend", {}, label), ...options.map(one));
  }
  if (type === "json") return make("label", {}, label, make("textarea", { name, value, rows: 12, spellcheck: false }));
  if (options) {
    const one = ([key, text]) => make("option", { value: key, selected: key === value }, text);
    return make("label", {}, label, make("select", { name }, ...options.map(one)));
  }
  return make("label", {}, label, make("input", { name, value, type, required, autocomplete: "off" }));
}

function valuesOf(form, fields) {
  const all = new FormData(form);
  return Object.fromEntries(fields.map(({ name, type }) => [name, type === "several" ? all.getAll(name) : String(all.get(name) ?? "").trim()]));
}
