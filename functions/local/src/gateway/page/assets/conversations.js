// The list of chats and channels of the chosen person, with marks for what was not seen.

import { act } from "./act.js";
import { arrange, at, button, make } from "./dom.js";
import { ask, item, openMenu } from "./dialogs.js";
import { channel, chat, choose, on, owner, person, placeOf, store } from "./store.js";

/** Numbers of unseen messages, by chat or channel. */
const unseen = new Map();
const buttons = new Map();

export function start() {
  on("settings", () => {
    chooseDefault();
    show();
  });
  on("choice", () => {
    unseen.delete(store.place);
    show();
  });
  on("exchange", ({ exchange, isNew }) => {
    const place = placeOf(exchange.conversation);
    const isMessage = exchange.way === "out" && exchange.activity?.type === "message" && ["sent", "created"].includes(exchange.effect);
    if (isNew && isMessage && place && place !== store.place) {
      unseen.set(place, (unseen.get(place) ?? 0) + 1);
      show();
    }
  });
  at("add-chat").onclick = addChat;
  at("add-channel").onclick = addChannel;
  at("conversation-menu").onclick = (event) => openMenu(event.currentTarget, menu());
}

let isFirst = true;

/** Chooses a person, and a chat that exists; also what an earlier page had chosen. */
function chooseDefault() {
  const { people } = store.settings;
  if (!people.length) return;
  if (!person()) choose(people[0].id, people[0].conversations[0]);
  else if (!isHere(store.place)) choose(undefined, person().conversations[0]);
  else if (isFirst) choose();
  isFirst = false;
}

const isHere = (place) => Boolean(place && (person().conversations.includes(place) || channel(place) || chat(place)?.people.includes(store.person)));

function show() {
  const me = person();
  if (!me) return;
  const own = me.conversations.map((id, index) => [id, index ? `Herald (${index + 1})` : "Herald"]);
  const chats = store.settings.chats.filter((one) => one.people.includes(me.id)).map((one) => [one.id, one.name]);
  const teams = Map.groupBy(store.settings.channels, (one) => one.team);
  const groups = [["Personal", own], ["Group chats", chats], ...[...teams].map(([team, all]) => [team, all.map((one) => [one.id, one.name])])];
  const others = store.settings.people.filter((one) => one.id !== me.id && one.conversations.some((id) => unseen.has(id)));
  if (others.length) groups.push(["Other people", others.map((one) => [one.conversations.find((id) => unseen.has(id)), one.name])]);
  arrange(at("conversations"), groups.filter(([, all]) => all.length).flatMap(([name, all]) => group(name, all)));
  const total = [...unseen.values()].reduce((sum, count) => sum + count, 0);
  at("unread").hidden = total === 0;
  at("unread").textContent = total;
}

function group(name, all) {
  const heading = node(`heading ${name}`, () => make("h2", {}, name));
  const list = node(`list ${name}`, () => make("ul"));
  arrange(list, all.map(([id, title]) => entry(name, id, title)));
  return [heading, list];
}

function node(key, build) {
  if (!buttons.has(key)) buttons.set(key, build());
  return buttons.get(key);
}

function entry(name, id, title) {
  const line = node(`entry ${name} ${id}`, () => make("li", {}, button("", () => go(id))));
  const inner = line.firstChild;
  const count = unseen.get(id);
  const key = JSON.stringify([title, count]);
  if (inner.dataset.key !== key) {
    inner.dataset.key = key;
    inner.replaceChildren(make("span", {}, title), ...(count ? [make("span", { class: "count" }, String(count))] : []));
  }
  inner.setAttribute("aria-current", String(id === store.place));
  return line;
}

function go(id) {
  choose(owner(id)?.id, id);
  document.body.dataset.view = "chat";
}

async function addChat() {
  const options = store.settings.people.map((one) => [one.id, one.name]);
  const values = await ask("New group chat", [{ name: "name", label: "Name" },
    { name: "people", label: "People", type: "several", options, value: [store.person] }], "Create");
  if (values) await act({ act: "add-chat", person: store.person, ...values });
}

async function addChannel() {
  const team = channel()?.team ?? store.settings.channels[0]?.team ?? "";
  const values = await ask("New channel", [{ name: "team", label: "Team", value: team }, { name: "name", label: "Channel", value: team ? "" : "General" }], "Create");
  if (values) await act({ act: "add-channel", person: store.person, ...values });
}

/** Returns the actions on the chosen chat or channel. */
function menu() {
  const here = channel() ?? chat();
  const conversation = here ? store.place : undefined;
  const installed = (here ?? person()).installed;
  const event = (name, label) => item(label, () => act({ act: "team-event", person: store.person, conversation, event: name }));
  return [
    item(installed ? "Remove Herald" : "Add Herald", () => act({ act: "install", person: store.person, conversation, installed: !installed })),
    ...(channel() ? [event("teamArchived", "Archive the team"), event("teamUnarchived", "Restore the team"), event("channelDeleted", "Delete the channel"), event("channelRestored", "Restore the channel")] : []),
    ...(here ? [] : [item("New conversation, as Copilot has", () => act({ act: "open-conversation", person: store.person })),
      item("Show that I am typing", () => act({ act: "typing", person: store.person }))]),
    item("Deliver any activity…", deliverAny),
  ];
}

async function deliverAny() {
  const last = [...store.exchanges.values()].filter((one) => one.way === "in" && placeOf(one.conversation) === store.place).at(-1);
  const values = await ask("Deliver any activity", [{ name: "json", label: "Activity", type: "json", value: JSON.stringify(last?.activity ?? {}, null, 2) }], "Deliver");
  if (!values) return;
  try {
    await act({ act: "deliver", activity: JSON.parse(values.json) });
  } catch (error) {
    at("notice").textContent = `This is not JSON: ${error.message}`;
  }
}
