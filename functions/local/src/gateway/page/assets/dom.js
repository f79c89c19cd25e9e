// Makes and finds elements. Text is always set as text.

export const at = (id) => document.getElementById(id);

/** Returns an element: properties of `properties` are set, those with a dash and `role` as attributes. */
export function make(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.includes("-") || name === "role" || name === "for" || name === "list") node.setAttribute(name, value);
    else if (name === "class") node.className = value;
    else if (name === "data") Object.assign(node.dataset, value);
    else node[name] = value;
  }
  node.append(...children.filter((child) => child !== undefined && child !== null && child !== false));
  return node;
}

/** Returns a button that does not submit a form. */
export const button = (label, onclick, properties = {}) => make("button", { type: "button", onclick, ...properties }, label);

/** Makes the children of `parent` equal to `wanted`, and moves no node that is in its place. */
export function arrange(parent, wanted) {
  let next = parent.firstChild;
  for (const node of wanted) {
    if (node === next) next = next.nextSibling;
    else parent.insertBefore(node, next);
  }
  while (next) {
    const gone = next;
    next = next.nextSibling;
    gone.remove();
  }
}

/** Replaces the children of `node` by those of `wanted` from the first that differs, so that a selection before it stays. */
export function patch(node, wanted) {
  const old = [...node.childNodes];
  const fresh = [...wanted.childNodes];
  let same = 0;
  while (same < old.length && same < fresh.length && old[same].isEqualNode(fresh[same])) same += 1;
  old.slice(same).forEach((gone) => gone.remove());
  node.append(...fresh.slice(same));
}
