// Builds the messages of each conversation from exchanges. Pure data: `chat.js` draws it.

import { owner, store } from "./store.js";

/** Messages by conversation, each a map by key in order. */
const conversations = new Map();
/** Deliveries by number, for their answers. */
const deliveries = new Map();
/** Conversations in which the agent is typing, until this time of the browser. */
export const typing = new Map();

export const messagesOf = (conversation) => conversations.get(conversation) ?? new Map();
export const allConversations = () => conversations.keys();

export function reset() {
  conversations.clear();
  deliveries.clear();
  typing.clear();
}

/** Rebuilds the messages of a conversation after older exchanges were loaded. */
export function rebuild(isConcerned) {
  for (const id of [...conversations.keys()]) if (isConcerned(id)) conversations.delete(id);
  const numbers = [...store.exchanges.keys()].sort((one, other) => one - other);
  for (const number of numbers) {
    const exchange = store.exchanges.get(number);
    if (exchange.conversation && isConcerned(exchange.conversation)) apply(exchange);
  }
}

/** Applies one exchange; returns the key of the message that it changed. */
export function apply(exchange) {
  const messages = conversations.get(exchange.conversation) ?? new Map();
  const key = { in: received, answer: answered, out: requested }[exchange.way]?.(exchange, messages);
  if (key !== undefined && exchange.conversation) conversations.set(exchange.conversation, messages);
  if (key !== undefined && messages.has(key)) messages.get(key).version += 1;
  return key;
}

function add(messages, key, fields) {
  const message = messages.get(key) ?? { key, version: 0, reactions: [], at: fields.at };
  messages.set(key, Object.assign(message, fields));
  return key;
}

function received(exchange, messages) {
  const { activity, n: number, at } = exchange;
  const key = activity.id ?? `in ${number}`;
  const { id, name } = activity.from ?? {};
  const by = { from: id, name: name ?? nameOf(id) };
  deliveries.set(number, { key, activity, conversation: exchange.conversation });
  if (activity.type === "message") {
    if (activity.text === undefined) return undefined;
    const known = messages.get(key);
    if (known) known.deliveries = (known.deliveries ?? 1) + 1;
    return add(messages, key, { ...by, at: known?.at ?? at, number, activity, text: activity.text, pending: true, failed: undefined });
  }
  const target = messages.get(activity.type === "messageReaction" ? activity.replyToId : activity.id);
  if (activity.type === "messageUpdate" && target) {
    Object.assign(target, activity.channelData?.eventType === "undeleteMessage"
      ? { deleted: false } : { text: activity.text, activity: { ...target.activity, text: activity.text }, edited: true });
    return target.key;
  }
  if (activity.type === "messageDelete" && target) {
    target.deleted = true;
    return target.key;
  }
  if (activity.type === "messageReaction") {
    if (!target) return undefined;
    for (const { type } of activity.reactionsAdded ?? []) target.reactions = [...target.reactions, { from: id, type }];
    for (const { type } of activity.reactionsRemoved ?? []) {
      target.reactions = target.reactions.filter((one) => one.from !== id || one.type !== type);
    }
    return target.key;
  }
  const line = eventLine(activity, by.name);
  return line && add(messages, `in ${number}`, { at, line });
}

function eventLine(activity, name) {
  if (activity.type === "installationUpdate") return `${name} ${activity.action === "add" ? "added" : "removed"} Herald`;
  if (activity.type === "conversationUpdate") {
    if (activity.membersAdded) return `${name} added ${activity.membersAdded.length} members`;
    return activity.channelData?.eventType && `${name}: ${activity.channelData.eventType}`;
  }
  return undefined;
}

const nameOf = (id) => store.settings?.people.find((one) => one.id === id)?.name ?? "A person";

function answered(exchange, messages) {
  const delivery = deliveries.get(exchange.of);
  if (!delivery) return undefined;
  const { activity, key } = delivery;
  const failed = exchange.status === null ? "no answer" : exchange.status >= 300 ? `not accepted: ${exchange.status}` : undefined;
  if (activity.type === "message" && messages.has(key)) return add(messages, key, { pending: false, failed });
  const target = messages.get(activity.replyToId);
  if (!target || failed) return undefined;
  if (activity.name === "adaptiveCard/action" && exchange.answer?.type === "application/vnd.microsoft.card.adaptive") {
    const index = cardOf(target.activity.attachments ?? [], activity.value?.action);
    const attachments = target.activity.attachments.map((one, at) => (at === index ? { ...one, content: exchange.answer.value } : one));
    target.activity = { ...target.activity, attachments };
    return target.key;
  }
  if (activity.name === "message/submitAction") {
    target.rated = activity.value?.actionValue?.reaction;
    return target.key;
  }
  return undefined;
}

/** Returns the index of the card that has the pressed action. */
function cardOf(attachments, action) {
  const isCard = (one) => /card\.adaptive$/.test(one.contentType);
  const has = attachments.findIndex((one) => isCard(one) && JSON.stringify(one.content).includes(JSON.stringify(action?.verb ?? "")));
  return has >= 0 ? has : attachments.findIndex(isCard);
}

function requested(exchange, messages) {
  const { activity, activityId, effect, conversation, at } = exchange;
  if (!conversation) return undefined;
  const stream = (activity?.entities ?? []).find((one) => one.type === "streaminfo");
  if (effect === "refused") {
    const stopped = stream && messages.get(stream.streamId);
    if (!stopped || ![403, 404].includes(exchange.status)) return undefined;
    return add(messages, stopped.key, { growing: false, status: undefined, stopped: true });
  }
  if (effect === "deleted") return messages.has(activityId) ? add(messages, activityId, { deleted: true }) : undefined;
  if (!["created", "sent", "updated"].includes(effect) || !activity?.type) return undefined;
  if (activity.type === "typing" && !stream) {
    typing.set(conversation, Date.now() + 4000);
    return undefined;
  }
  if (activity.type !== "message" && !stream) return undefined;
  typing.delete(conversation);
  const known = messages.get(activityId);
  const fields = { at: known?.at ?? at, agent: true, name: "Herald", edited: effect === "updated" && !known?.growing };
  if (stream?.streamType === "informative") return add(messages, activityId, { ...fields, growing: true, status: activity.text, activity });
  const growing = activity.type === "typing";
  return add(messages, activityId, { ...fields, growing, stopped: false, status: undefined, text: activity.text ?? "", activity });
}

/** Whether a message was written by the chosen person. */
export const isMine = (message, conversation) =>
  message.from === store.person || (message.from !== undefined && owner(conversation)?.id === store.person);
