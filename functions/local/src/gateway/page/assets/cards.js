// Cards: Adaptive Cards by Microsoft's renderer, and hero, thumbnail and sign-in cards, images and files.

import { act, notify } from "./act.js";
import { button, make } from "./dom.js";
import { imagesAreOn, render } from "./markdown.js";
import { store } from "./store.js";

const colour = (name) => ({ default: `var(--${name})`, subtle: `var(--${name === "text" ? "quiet" : name})` });
const foregroundColors = {
  default: colour("text"), dark: colour("text"), light: colour("quiet"), accent: colour("accent"), good: colour("good"),
  warning: colour("warn"), attention: colour("bad"),
};
const box = (backgroundColor) => ({ backgroundColor, foregroundColors, borderColor: "var(--line)" });
/** What stands in place of an image that may not be loaded. */
const PLACEHOLDER = `data:image/svg+xml,${encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" width="80" height="60"><rect width="80" height="60" fill="#8b909c"/><path d="M10 50l18-22 14 15 9-9 19 16z" fill="#d3d6de"/></svg>')}`;
const HOST = {
  fontFamily: "inherit", supportsInteractivity: true,
  spacing: { small: 4, default: 8, medium: 12, large: 20, extraLarge: 28, padding: 12 },
  separator: { lineThickness: 1, lineColor: "var(--line)" },
  fontSizes: { small: 13, default: 15, medium: 17, large: 21, extraLarge: 26 },
  fontWeights: { lighter: 300, default: 400, bolder: 600 },
  imageSizes: { small: 40, medium: 80, large: 160 },
  containerStyles: {
    default: box("var(--surface)"), emphasis: box("var(--soft)"), good: box("var(--soft)"), attention: box("var(--soft)"),
    warning: box("var(--soft)"), accent: box("var(--mine)"),
  },
  actions: { maxActions: 6, spacing: "Default", buttonSpacing: 8, showCard: { actionMode: "Inline", inlineTopMargin: 12 }, actionsOrientation: "Horizontal", actionAlignment: "Left", allowTitleToWrap: true },
  adaptiveCard: { allowCustomStyle: true },
  textBlock: { headingLevel: 3 },
  textStyles: { heading: { size: "large", weight: "bolder" }, columnHeader: { weight: "bolder" } },
  inputs: { label: { requiredInputs: { suffix: " *", suffixColor: "attention" } } },
};

/** Returns the element of one attachment; `spot` names the person, the conversation and the activity. */
export function cardElement(attachment, spot) {
  const type = attachment.contentType ?? "";
  if (/card\.adaptive$/.test(type)) return adaptive(attachment.content, spot);
  if (/card\.(hero|thumbnail|signin|oauth|receipt|audio|video|animation)$/.test(type)) return hero(attachment.content ?? {}, spot);
  if (type.startsWith("image/")) return make("div", { class: "card hero" }, image(attachment.contentUrl, attachment.name ?? "Image"));
  return make("div", { class: "card hero" }, link(attachment.contentUrl, attachment.name ?? type));
}

function adaptive(content, spot) {
  const { AdaptiveCards } = globalThis;
  const root = make("div", { class: "card" });
  AdaptiveCards.AdaptiveCard.onProcessMarkdown = (text, result) => {
    result.outputHtml = render(text);
    result.didProcess = true;
  };
  const card = new AdaptiveCards.AdaptiveCard();
  card.hostConfig = new AdaptiveCards.HostConfig(HOST);
  card.onExecuteAction = (action) => execute(action, spot());
  card.onAnchorClicked = (_, anchor) => !isSafe(anchor.href);
  try {
    card.parse(withoutImages(content));
    const drawn = card.render();
    if (drawn) root.append(drawn);
  } catch (error) {
    root.append(make("p", { class: "unsupported" }, `This card cannot be drawn: ${error.message}`));
  }
  mend(root);
  // Media are drawn a little later.
  setTimeout(() => mend(root));
  return root;
}

/** Returns the card with a placeholder for each image that may not be loaded. */
function withoutImages(value) {
  if (Array.isArray(value)) return value.map(withoutImages);
  if (!value || typeof value !== "object") return value;
  if (value.type === "Image" && !mayLoad(value.url)) return { ...value, url: PLACEHOLDER, altText: value.altText ?? "Image, not loaded" };
  const entries = Object.entries(value).map(([name, member]) => [name, withoutImages(member)]);
  return Object.fromEntries(entries.filter(([name, member]) =>
    !((name === "backgroundImage" || name === "iconUrl") && !mayLoad(member?.url ?? member))));
}

const mayLoad = (url) => imagesAreOn() || String(url ?? "").startsWith("data:image/");
const isSafe = (url) => /^(https?|mailto|tel):/i.test(url ?? "");

/** Corrects roles and names that the renderer gives and a screen reader cannot use. */
function mend(root) {
  for (const node of root.querySelectorAll("[role=heading]:not([aria-level])")) node.setAttribute("aria-level", "3");
  for (const node of root.querySelectorAll("[role=contentinfo]")) node.setAttribute("role", "group");
  for (const node of root.querySelectorAll("[role=button][aria-label], [role=link][aria-label]")) {
    const text = node.textContent.trim();
    const label = node.getAttribute("aria-label");
    if (text && !label.includes(text)) node.setAttribute("aria-label", `${text}: ${label}`);
  }
}

async function execute(action, spot) {
  const kind = action.getJsonTypeName();
  if (kind === "Action.OpenUrl") {
    if (isSafe(action.url)) window.open(action.url, "_blank", "noopener,noreferrer");
    else notify(`This link is not opened: ${action.url}`);
  } else if (kind === "Action.Execute") {
    const { verb, data, title, id } = action;
    const result = await act({ act: "press", ...spot, action: { type: kind, id, title, verb, data: data ?? {} } });
    explain(result);
  } else if (kind === "Action.Submit") {
    await submit(action.data, spot);
  }
}

/** Shows what the agent answered instead of a card. */
function explain(result) {
  const body = result?.body;
  if (!body || body.type === "application/vnd.microsoft.card.adaptive") return;
  const text = body.value?.message ?? body.value;
  if (text) notify(String(text));
}

/** Sends what Teams sends for a submit action, by its member `msteams`. */
function submit(data, spot) {
  const teams = data?.msteams ?? {};
  if (teams.type === "imBack") return act({ act: "send", person: spot.person, conversation: spot.conversation, text: String(teams.value ?? "") });
  if (teams.type === "messageBack") return act({ act: "submit", ...spot, value: teams.value ?? data, text: teams.text ?? teams.displayText ?? "" });
  return act({ act: "submit", ...spot, value: data ?? {} });
}

/** Does what a button of a hero card or a suggested action does. */
export function press(action, spot) {
  const { type, value } = action;
  if (type === "openUrl" || type === "signin") {
    if (isSafe(value)) window.open(value, "_blank", "noopener,noreferrer");
    return Promise.resolve(null);
  }
  if (type === "messageBack") return act({ act: "submit", ...spot, value, text: action.text ?? action.displayText ?? action.title });
  if (type === "invoke") return act({ act: "submit", ...spot, value });
  if (type === "Action.Submit") return submit(value, spot);
  return act({ act: "send", person: spot.person, conversation: spot.conversation, text: String(value ?? action.title) });
}

function hero(content, spot) {
  const images = (content.images ?? []).map((one) => image(one.url, one.alt ?? content.title ?? "Image"));
  const buttons = (content.buttons ?? []).map((one) => button(one.title ?? "", () => press(one, spot())));
  const root = make("div", { class: "card hero" }, ...images);
  if (content.title) root.append(make("h3", {}, content.title));
  if (content.subtitle) root.append(make("p", { class: "quiet" }, content.subtitle));
  if (content.text) {
    const text = make("div");
    text.innerHTML = render(content.text);
    root.append(text);
  }
  if (buttons.length) root.append(make("div", { class: "row" }, ...buttons));
  return root;
}

function image(url, alt) {
  if (mayLoad(url)) return make("img", { src: url, alt });
  return make("span", { class: "blocked" }, `[image: ${alt}]`);
}

function link(url, name) {
  if (!isSafe(url)) return make("span", {}, name);
  return make("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, name);
}

/** Returns who presses a button of a message, where and on what. */
export const spotOf = (conversation, activity) => () => ({ person: store.person, conversation, activity });
