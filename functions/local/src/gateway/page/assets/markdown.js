// Markdown as Teams shows it, by markdown-it with HTML off; and the little HTML that an activity with `textFormat: xml` may have.

import MarkdownIt from "./vendor/markdown-it.esm.min.js";

const markdown = new MarkdownIt({ html: false, linkify: true, breaks: true });

// `<at>Name</at>` is a mention, the only tag that is one.
markdown.inline.ruler.before("html_inline", "mention", (state, silent) => {
  const found = /^<at(?:\s[^>]*)?>([^<]*)<\/at>/i.exec(state.src.slice(state.pos));
  if (!found) return false;
  if (!silent) {
    state.push("mention_open", "span", 1).attrSet("class", "mention");
    state.push("text", "", 0).content = found[1];
    state.push("mention_close", "span", -1);
  }
  state.pos += found[0].length;
  return true;
});

// Links open apart; alignment is a class, because the policy of the page forbids inline styles.
markdown.core.ruler.push("safe", (state) => {
  for (const token of state.tokens.flatMap((one) => [one, ...(one.children ?? [])])) {
    if (token.type === "link_open") {
      token.attrSet("target", "_blank");
      token.attrSet("rel", "noopener noreferrer");
    }
    const style = token.attrGet("style");
    if (style) {
      token.attrs = token.attrs.filter(([name]) => name !== "style");
      token.attrSet("class", style.replace("text-align:", "align-"));
    }
  }
});
markdown.renderer.rules.image = (tokens, index) => {
  const { content } = tokens[index];
  const source = tokens[index].attrGet("src") ?? "";
  if (imagesAreOn() || source.startsWith("data:")) {
    return `<img src="${markdown.utils.escapeHtml(source)}" alt="${markdown.utils.escapeHtml(content)}">`;
  }
  return `<span class="blocked">[image: ${markdown.utils.escapeHtml(content || "not loaded")}]</span>`;
};

/** Whether the page may load images from elsewhere. */
export const imagesAreOn = () => location.search === "?images=on";

/** Returns the HTML of a Markdown text. */
export const render = (text) => markdown.render(text);

/** Returns an element with the text of an activity, by its format. */
export function textElement(text, format) {
  const node = document.createElement("div");
  if (format === "plain") {
    node.className = "plain";
    node.append(...plain(text));
  } else if (format === "xml") {
    node.append(...clean(new DOMParser().parseFromString(text, "text/html").body));
  } else {
    node.innerHTML = render(text);
  }
  return node;
}

/** Returns text nodes, with mentions. */
function plain(text) {
  return text.split(/(<at>[^<]*<\/at>)/).map((piece) => {
    const found = /^<at>([^<]*)<\/at>$/.exec(piece);
    if (!found) return document.createTextNode(piece);
    return mention(found[1]);
  });
}

function mention(name) {
  const node = document.createElement("span");
  node.className = "mention";
  node.textContent = name;
  return node;
}

const ALLOWED = new Set(["B", "STRONG", "I", "EM", "U", "S", "STRIKE", "BR", "P", "DIV", "SPAN", "UL", "OL", "LI", "PRE", "CODE", "BLOCKQUOTE", "H1", "H2", "H3"]);

/** Returns copies of the children of a parsed document, with the allowed tags only and without attributes. */
function clean(parent) {
  return [...parent.childNodes].flatMap((child) => {
    if (child.nodeType === Node.TEXT_NODE) return [document.createTextNode(child.data)];
    if (child.nodeType !== Node.ELEMENT_NODE) return [];
    if (child.tagName === "AT") return [mention(child.textContent)];
    if (child.tagName === "A") {
      const link = document.createElement("a");
      if (/^(https?|mailto):/i.test(child.getAttribute("href") ?? "")) {
        Object.assign(link, { href: child.getAttribute("href"), target: "_blank", rel: "noopener noreferrer" });
      }
      link.append(...clean(child));
      return [link];
    }
    if (!ALLOWED.has(child.tagName)) return ["SCRIPT", "STYLE"].includes(child.tagName) ? [] : clean(child);
    const copy = document.createElement(child.tagName);
    copy.append(...clean(child));
    return [copy];
  });
}
