// Draws the chosen chat or channel, message by message; nodes of other messages are never touched.

import { draw } from "./bubble.js";
import { press, spotOf } from "./cards.js";
import { startReply } from "./compose.js";
import { arrange, at, button, make } from "./dom.js";
import { brief, day } from "./format.js";
import { allConversations, apply, messagesOf, rebuild, reset, typing } from "./model.js";
import { take } from "./poll.js";
import { channel, chat, on, owner, placeOf, store } from "./store.js";

/** Elements of the shown place, by conversation and key. */
let elements = new Map();
const changed = new Set();
const complete = new Set();
/** Exchanges in one answer of the server. */
const AT_ONCE = 300;
let pending = false;

export function start() {
  on("exchange", ({ exchange }) => {
    const key = apply(exchange);
    if (placeOf(exchange.conversation) !== store.place) return;
    if (key !== undefined) changed.add(`${exchange.conversation} ${key}`);
    schedule();
  });
  on("exchanges", schedule);
  on("settings", schedule);
  on("restart", () => {
    reset();
    complete.clear();
  });
  on("choice", () => {
    elements = new Map();
    at("messages").replaceChildren();
    redraw(true);
    loadEarlier();
  });
  at("earlier").onclick = () => loadEarlier(true);
  setInterval(showTyping, 500);
}

function schedule() {
  if (pending) return;
  pending = true;
  requestAnimationFrame(() => {
    pending = false;
    redraw(false);
  });
}

function redraw(toEnd) {
  const scroll = at("scroll");
  const isAtEnd = toEnd || scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80;
  showTitle();
  arrange(at("messages"), channel() ? threads() : items(store.place));
  changed.clear();
  showTyping();
  showSuggestions();
  if (isAtEnd) scroll.scrollTop = scroll.scrollHeight;
}

function showTitle() {
  const own = owner(store.place);
  const here = channel();
  const title = here ? `${here.team} › ${here.name}` : chat()?.name ?? (own ? `${own.name} and Herald` : "Chat");
  if (at("title").textContent !== title) at("title").textContent = title;
}

/** Returns the elements of a conversation, with a line for each day. */
function items(conversation) {
  const all = [];
  let last = "";
  for (const message of messagesOf(conversation).values()) {
    const today = day(message.at);
    if (today !== last) all.push(dayLine(conversation, today));
    last = today;
    all.push(element(conversation, message));
  }
  return all;
}

function dayLine(conversation, today) {
  const id = `${conversation} day ${today}`;
  if (!elements.has(id)) elements.set(id, { node: make("li", { class: "day" }, today) });
  return elements.get(id).node;
}

function element(conversation, message) {
  const id = `${conversation} ${message.key}`;
  const known = elements.get(id);
  if (known?.version === message.version && !changed.has(id)) return known.node;
  const node = draw(message, conversation, known?.node);
  elements.set(id, { node, version: message.version });
  return node;
}

/** Returns the threads of the chosen channel, each with its messages and a button to answer. */
function threads() {
  const ids = [...allConversations()].filter((id) => placeOf(id) === store.place);
  return ids.map((id) => {
    const key = `${id} thread`;
    if (!elements.has(key)) {
      const list = make("ol");
      const reply = button("Reply", () => startReply(id, [...messagesOf(id).values()][0]?.text ?? ""));
      elements.set(key, { node: make("li", { class: "thread" }, list, make("div", {}, reply)), list });
    }
    const { node, list } = elements.get(key);
    arrange(list, items(id));
    return node;
  });
}

function showTyping() {
  const isTyping = [...typing].some(([conversation, until]) => placeOf(conversation) === store.place && until > Date.now());
  if (at("typing").hidden === isTyping) at("typing").hidden = !isTyping;
  const isStreaming = [...messagesOf(store.place).values()].some((message) => message.growing);
  if (at("stop").hidden === isStreaming) at("stop").hidden = !isStreaming;
}

/** Shows the suggested actions of the latest message. */
function showSuggestions() {
  const last = [...messagesOf(store.place).values()].at(-1);
  const actions = last?.agent ? last.activity?.suggestedActions?.actions ?? [] : [];
  const node = at("suggestions");
  const key = JSON.stringify(actions);
  if (node.dataset.key === key) return;
  node.dataset.key = key;
  node.hidden = actions.length === 0;
  node.replaceChildren(...actions.map((action) => button(brief(action.title ?? String(action.value), 60), () => press(action, spotOf(store.place, last.key)()))));
}

/** Loads the messages of the chosen chat that are older than those that every page begins with. */
async function loadEarlier(isAsked = false) {
  const place = store.place;
  if (!place || (store.first <= 1 && !isAsked) || (complete.has(place) && !isAsked)) return;
  complete.add(place);
  const here = [...store.exchanges.values()].filter((one) => placeOf(one.conversation) === place);
  const before = here.length && isAsked ? Math.min(...here.map((one) => one.n)) : store.first;
  try {
    const answer = await fetch(`/chat/earlier?${new URLSearchParams({ before, conversation: place })}`);
    const { exchanges } = await answer.json();
    const scroll = at("scroll");
    const fromEnd = scroll.scrollHeight - scroll.scrollTop;
    for (const one of exchanges) store.exchanges.set(one.n, one);
    take([], false);
    rebuild((id) => placeOf(id) === place);
    if (store.place === place) {
      elements = new Map([...elements].map(([id, known]) => [id, { ...known, version: -1 }]));
      redraw(false);
      scroll.scrollTop = scroll.scrollHeight - fromEnd;
      at("earlier").hidden = exchanges.length < AT_ONCE;
    }
  } catch {
    complete.delete(place);
  }
}
