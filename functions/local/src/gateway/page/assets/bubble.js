// Draws one message, and changes only those of its parts that differ: focus, selection and what is typed in a card stay.

import { act } from "./act.js";
import { cardElement, spotOf } from "./cards.js";
import { arrange, button, make, patch } from "./dom.js";
import { clockTime, dayTime } from "./format.js";
import { textElement } from "./markdown.js";
import { isMine, messagesOf } from "./model.js";
import { openMessageMenu, REACTIONS } from "./dialogs.js";
import { store } from "./store.js";

/** Returns the element of a message, or the changed one. */
export function draw(message, conversation, element = make("li", { data: { key: message.key } })) {
  const known = (element.parts ??= {});
  if (message.line) {
    element.className = "line";
    element.textContent = `${message.line} · ${dayTime(message.at)}`;
    return element;
  }
  const mine = isMine(message, conversation);
  const hasCard = message.activity?.attachments?.length > 0 && !message.deleted;
  element.className = `message${mine ? " mine" : ""}${hasCard ? " wide" : ""}`;
  if (message.growing) element.setAttribute("aria-busy", "true");
  else element.removeAttribute("aria-busy");
  const wanted = [];
  const part = (name, input, build) => {
    if (input === undefined) return;
    const key = JSON.stringify(input);
    if (known[name]?.key !== key) known[name] = { key, node: build(known[name]?.node) };
    wanted.push(known[name].node);
  };
  part("head", heading(message, mine), (node) => head(message, conversation, mine, node));
  if (message.deleted) {
    part("gone", true, () => make("div", { class: "part gone" }, "This message was deleted."));
  } else {
    const { activity = {} } = message;
    part("quote", quoted(message, conversation), () => make("div", { class: "quote" }, quoted(message, conversation)));
    part("status", message.status || undefined, () => make("div", { class: "part status" }, message.status));
    part("text", message.text ? [message.text, activity.textFormat] : undefined, (node) => text(message, node));
    (activity.attachments ?? []).forEach((one, index) =>
      part(`card ${index}`, one, () => cardElement(one, spotOf(conversation, message.key))));
    part("sources", sources(activity), () => sourceList(sources(activity)));
    part("feedback", feedback(message), () => ratings(message, conversation));
    part("reactions", message.reactions.length ? [message.reactions, store.person] : undefined, () => reactions(message, conversation));
  }
  arrange(element, wanted);
  return element;
}

/** Returns what the heading depends on. */
function heading(message, mine) {
  const { name, at, growing, stopped, edited, failed, deliveries, activity } = message;
  return [name, at, mine, growing, stopped, edited, failed, deliveries, labels(activity)];
}

/** Returns the labels of a text: that it is generated, and its sensitivity. */
function labels(activity) {
  const root = (activity?.entities ?? []).find((one) => one.type === "https://schema.org/Message");
  const isGenerated = [root?.additionalType].flat().includes("AIGeneratedContent");
  return [isGenerated && "AI generated", root?.usageInfo?.name].filter(Boolean);
}

function head(message, conversation, mine, old) {
  const node = old ?? make("div", { class: "head" });
  const more = node.querySelector(".more") ?? button("⋯", (event) => openMessageMenu(event.currentTarget, message, conversation), {
    class: "more", "aria-label": `Actions on the message of ${message.name}`, "aria-haspopup": "menu",
  });
  const badge = (text, kind = "") => make("span", { class: `badge ${kind}` }, text);
  const badges = labels(message.activity).map((label) => badge(label));
  if (message.growing) badges.push(badge("writing"));
  if (message.stopped) badges.push(badge("stopped"));
  if (message.edited) badges.push(badge("edited"));
  if (message.deliveries > 1) badges.push(badge(`delivered ${message.deliveries} times`));
  if (message.failed) badges.push(badge(message.failed, "bad"));
  const time = make("time", { dateTime: message.at, title: message.at }, clockTime(message.at));
  arrange(node, [make("span", { class: "who" }, mine ? "You" : message.name), time, ...badges, more]);
  return node;
}

/** Returns the text that a message quotes. */
function quoted(message, conversation) {
  const entity = (message.activity?.entities ?? []).find((one) => one.type === "quotedReply");
  if (!entity) return undefined;
  const target = messagesOf(conversation).get(entity.quotedReply?.messageId);
  return target ? `${target.name}: ${target.text || "a card"}` : "an earlier message";
}

function text(message, old) {
  const node = old ?? make("div", { class: "part" });
  const isMarked = message.agent ? message.activity?.textFormat : "plain";
  patch(node, textElement(message.text.replace(/<quoted [^>]*\/>\s*/g, ""), isMarked));
  node.classList.toggle("plain", isMarked === "plain");
  return node;
}

function sources(activity) {
  const root = (activity.entities ?? []).find((one) => one.type === "https://schema.org/Message");
  return root?.citation?.length ? root.citation : undefined;
}

function sourceList(citations) {
  const items = citations.map(({ position, appearance = {} }) => {
    const name = /^https?:/.test(appearance.url ?? "")
      ? make("a", { href: appearance.url, target: "_blank", rel: "noopener noreferrer" }, appearance.name)
      : make("strong", {}, appearance.name ?? "");
    return make("li", { value: position }, name, appearance.abstract ? `: ${appearance.abstract}` : "");
  });
  return make("ol", { class: "sources", "aria-label": "Sources" }, ...items);
}

function feedback(message) {
  const data = message.activity?.channelData ?? {};
  const isAsked = data.feedbackLoop || data.feedbackLoopEnabled;
  return isAsked && !message.growing ? [message.rated ?? ""] : undefined;
}

function ratings(message, conversation) {
  const rate = (reaction) => act({ act: "rate", ...spotOf(conversation, message.key)(), reaction });
  const one = (reaction, label, sign) => button(sign, () => rate(reaction), { "aria-label": label, title: label, "aria-pressed": String(message.rated === reaction) });
  return make("div", { class: "feedback" }, one("like", "Helpful", "👍"), one("dislike", "Not helpful", "👎"));
}

function reactions(message, conversation) {
  const counts = Map.groupBy(message.reactions, (one) => one.type);
  const one = ([type, all]) => {
    const isMineToo = all.some(({ from }) => from === store.person);
    const react = () => act({ act: "react", ...spotOf(conversation, message.key)(), kind: type, removed: isMineToo });
    return button(`${REACTIONS[type] ?? type} ${all.length}`, react, { "aria-label": `${type}, ${all.length}`, "aria-pressed": String(isMineToo) });
  };
  return make("div", { class: "reactions" }, ...[...counts].map(one));
}
