// The chosen person: who, their settings, and whether images are loaded.

import { act } from "./act.js";
import { at, make } from "./dom.js";
import { ask } from "./dialogs.js";
import { imagesAreOn } from "./markdown.js";
import { choose, on, person, store } from "./store.js";

/** The name of a person who is to be chosen when they exist. */
let awaited = null;

export function start() {
  on("settings", show);
  on("choice", show);
  at("person").onchange = () => choose(at("person").value, person(at("person").value).conversations[0]);
  at("add-person").onclick = add;
  at("person-settings").onclick = change;
  const images = at("images");
  images.textContent = imagesAreOn() ? "Images are loaded" : "Load images";
  images.setAttribute("aria-pressed", String(imagesAreOn()));
  images.onclick = () => location.assign(imagesAreOn() ? "/" : "/?images=on");
}

function show() {
  const select = at("person");
  const people = store.settings?.people ?? [];
  const key = JSON.stringify(people.map(({ id, name }) => [id, name]));
  if (select.dataset.key !== key) {
    select.dataset.key = key;
    select.replaceChildren(...people.map(({ id, name }) => make("option", { value: id }, name)));
  }
  const found = awaited && people.findLast((one) => one.name === awaited && one.conversations.length);
  if (found) {
    awaited = null;
    choose(found.id, found.conversations[0]);
  }
  if (store.person && select.value !== store.person) select.value = store.person;
}

async function add() {
  const values = await ask("Add a person", [{ name: "name", label: "Name" }], "Add");
  if (!values?.name) return;
  awaited = values.name;
  await act({ act: "add-person", ...values });
}

async function change() {
  const me = person();
  if (!me) return;
  const values = await ask(`Settings of ${me.name}`, [
    { name: "name", label: "Name", value: me.name },
    { name: "locale", label: "Language", value: me.locale },
    { name: "timeZone", label: "Time zone", value: me.timeZone },
    { name: "entraId", label: "Entra object id", value: me.entraId },
    { name: "client", label: "Client: what it says of language and zone", value: me.client,
      options: [["desktop", "Desktop: both"], ["web", "Web: in clientInfo only"], ["phone", "Phone: nothing"]] },
    { name: "surface", label: "Writes in", value: me.surface,
      options: [["teams", "Teams"], ["copilot", "Microsoft 365 Copilot"], ["webChat", "Web Chat"]] },
  ], "Save");
  if (values) await act({ act: "change-person", person: me.id, settings: values });
}
