// What the page knows: settings of the server, exchanges by number, and what is chosen here. Others listen to changes.

export const store = {
  /** People, chats, channels, schedules, faults; null until the first answer. */
  settings: null,
  /** Every exchange received, by number. */
  exchanges: new Map(),
  /** The number of the first exchange of the first answer: earlier ones are loaded by conversation. */
  first: 1,
  /** What the server's clock is ahead of this browser's, in milliseconds. */
  ahead: 0,
  /** The id of the chosen person, and of the chosen chat or channel. */
  person: sessionStorage.getItem("person"),
  place: sessionStorage.getItem("place"),
};

const listeners = {};

/** Calls `listener` at each change of this kind: `settings`, `exchange`, `restart`, `choice`, `jobs`. */
export function on(kind, listener) {
  (listeners[kind] ??= []).push(listener);
}

export function emit(kind, detail) {
  for (const listener of listeners[kind] ?? []) listener(detail);
}

export const person = (id = store.person) => store.settings?.people.find((one) => one.id === id);
export const channel = (id = store.place) => store.settings?.channels.find((one) => one.id === id);
export const chat = (id = store.place) => store.settings?.chats.find((one) => one.id === id);

/** Returns the person whose personal conversation this is. */
export const owner = (conversation) => store.settings?.people.find((one) => one.conversations.includes(conversation));

/** Returns the chat or channel of a conversation: of a thread, its channel. */
export const placeOf = (conversation) => (conversation ?? "").split(";messageid=")[0];

/** Returns the time on the server's clock. */
export const now = () => Date.now() + store.ahead;

/** Chooses a person, and a chat or channel. */
export function choose(personId, place) {
  if (personId !== undefined) store.person = personId;
  if (place !== undefined) store.place = place;
  for (const name of ["person", "place"]) if (store[name]) sessionStorage.setItem(name, store[name]);
  emit("choice");
}
