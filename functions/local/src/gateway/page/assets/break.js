// "Break something": the faults one by one, the worker, a second delivery, and what happened.

import { act } from "./act.js";
import { arrange, at, button, make } from "./dom.js";
import { accounts } from "./faults.js";
import { on, store } from "./store.js";

let pending = null;

export function start() {
  on("settings", show);
  on("exchanges", () => { pending ??= setTimeout(account, 150); });
}

const list = make("ul", { class: "accounts" });

/** Shows what happened: the latest in one line, all of it in the panel. */
function account() {
  pending = null;
  const lines = accounts();
  if (at("account").textContent !== (lines[0] ?? "")) at("account").textContent = lines[0] ?? "";
  const key = JSON.stringify(lines);
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  const shown = lines.length ? lines : ["Nothing was broken yet."];
  list.replaceChildren(...shown.slice(0, 20).map((line) => make("li", {}, line)));
}

let drawn = "";

function show() {
  const { faults, pending: count, canKill } = store.settings;
  const key = JSON.stringify([faults, count, canKill]);
  if (key === drawn) return;
  drawn = key;
  const focused = document.activeElement?.dataset?.name;
  const one = ({ name, title, effect, expected }) => make("div", { class: "fault" },
    make("div", { class: "row" }, make("strong", {}, title), button("Inject", () => act({ act: "fail", fault: name }), { data: { name: `fail ${name}` }, "aria-label": `Inject: ${title}` })),
    make("p", {}, `${effect} ${expected}`));
  const kill = make("div", { class: "fault" },
    make("div", { class: "row" }, make("strong", {}, "Kill the worker"), button("Kill", () => act({ act: "kill-worker" }), { class: "danger", disabled: !canKill, data: { name: "kill" }, "aria-label": "Kill the worker" })),
    make("p", {}, "It stops in the midst of its work, as a crashed function does, and another one starts. Messages return to it after their visibility timeout; nothing is lost."));
  const again = make("div", { class: "fault" },
    make("div", { class: "row" }, make("strong", {}, "Deliver the last activity again"),
      make("span", { class: "row" }, button("Same id", () => act({ act: "redeliver", id: "same" }), { data: { name: "same" } }), button("New id", () => act({ act: "redeliver", id: "new" }), { data: { name: "new" } }))),
    make("p", {}, "Teams delivers again after a timeout. With the same id there is no second answer; with a new one it is another message."));
  const remove = button(`Remove pending faults (${count})`, () => act({ act: "remove-faults" }), { disabled: count === 0, data: { name: "remove" } });
  arrange(at("panel-break"), [make("h2", {}, "What happened"), list, make("h2", {}, "Into the next send"), make("div", {}, remove), ...faults.map(one), make("h2", {}, "Crashes and repeats"), kill, again]);
  if (focused) at("panel-break").querySelector(`[data-name="${CSS.escape(focused)}"]`)?.focus();
}
