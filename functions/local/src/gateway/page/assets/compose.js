// The composer: text with mentions, quotes, edits and threads. What is typed is kept for each chat, also over a reload.

import { act, notify } from "./act.js";
import { at } from "./dom.js";
import { item, openMenu } from "./dialogs.js";
import { brief, untagged } from "./format.js";
import { messagesOf } from "./model.js";
import { channel, chat, on, person, store } from "./store.js";

/** What the text is: a quote, an edit, an answer in a thread; null for a new message. */
let context = null;

const draftKey = () => `draft ${store.person} ${store.place}`;

export function start() {
  const text = at("text");
  text.addEventListener("input", () => sessionStorage.setItem(draftKey(), text.value));
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      at("composer").requestSubmit();
    }
    if (event.key === "Escape" && context) setContext(null);
  });
  at("composer").onsubmit = (event) => {
    event.preventDefault();
    send();
  };
  at("mention").onclick = (event) => openMenu(event.currentTarget, mentionable().map(({ name }) => item(name, () => insert(`@${name} `))));
  at("stop").onclick = () => act({ act: "stop", conversation: store.place });
  on("choice", () => {
    context = null;
    showContext();
    text.value = sessionStorage.getItem(draftKey()) ?? "";
    placeholder();
  });
  on("settings", placeholder);
}

function placeholder() {
  const inGroup = channel() || chat();
  at("text").placeholder = `${inGroup ? "@Herald " : ""}${store.settings?.suggestion ?? ""}`;
}

/** Returns the accounts that can be mentioned here. */
function mentionable() {
  const { agent, people } = store.settings;
  const inChat = chat()?.people;
  return [agent, ...people.filter(({ id }) => id !== store.person && (!inChat || inChat.includes(id)))].slice(0, 50);
}

function insert(piece) {
  const text = at("text");
  text.setRangeText(piece, text.selectionStart, text.selectionEnd, "end");
  text.dispatchEvent(new Event("input"));
  text.focus();
}

async function send() {
  const field = at("text");
  const typed = field.value.trim();
  if (!typed || !person()) return;
  const sent = context;
  const accepted = sent?.edit
    ? act({ act: "change", number: messagesOf(sent.conversation).get(sent.edit).number, change: { edit: { text: typed } } })
    : act(message(typed, sent));
  field.value = "";
  sessionStorage.removeItem(draftKey());
  setContext(sent?.thread ? { thread: sent.thread, conversation: sent.conversation, label: sent.label } : null);
  if (!(await accepted)) {
    // Nothing that was typed is lost.
    if (!field.value) field.value = typed;
    sessionStorage.setItem(draftKey(), field.value);
    if (!at("notice").textContent) notify("That was not sent. Try again.");
  }
}

/** Returns the action that sends a text: `@Name` becomes a mention. */
function message(typed, sent) {
  const mentions = mentionable().filter(({ name }) => typed.includes(`@${name}`));
  mentions.sort((one, other) => other.name.length - one.name.length);
  const text = mentions.reduce((all, { name }) => all.replaceAll(`@${name}`, `<at>${name}</at>`), typed);
  return {
    act: "send", person: store.person, conversation: sent?.conversation ?? store.place, text,
    mentions: mentions.map(({ id, name }) => ({ id, name })), quote: sent?.quote,
  };
}

function setContext(next) {
  context = next;
  showContext();
  at("text").focus();
}

function showContext() {
  const line = at("context");
  line.hidden = !context;
  line.textContent = context ? `${context.label} (Escape cancels)` : "";
}

export function startQuote(quoted, conversation) {
  setContext({ quote: quoted.key, conversation, label: `Replying to ${quoted.name}: ${brief(untagged(quoted.text || "a card"), 60)}` });
}

export function startEdit(edited, conversation) {
  at("text").value = untagged(edited.text);
  setContext({ edit: edited.key, conversation, label: `Editing: ${brief(untagged(edited.text), 60)}` });
}

export function startReply(conversation, title) {
  setContext({ thread: true, conversation, label: `Answering in the thread: ${brief(untagged(title), 60)}` });
}
