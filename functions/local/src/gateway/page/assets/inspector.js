// The timeline: every activity and request, with its person, its job and the time since the query.

import { act } from "./act.js";
import { at, button, make } from "./dom.js";
import { curl } from "./curl.js";
import { duration, exactTime, short, untagged } from "./format.js";
import { jobOf } from "./jobs.js";
import { on, owner, placeOf, store } from "./store.js";

/** Rows shown, by number; the oldest leave. */
const rows = new Map();
const MOST = 1000;
const fresh = document.createDocumentFragment();
/** The latest delivery of each conversation, for the time since. */
const asked = new Map();

export function start() {
  on("exchange", ({ exchange }) => add(exchange));
  on("exchanges", flush);
  on("restart", clear);
  on("choice", filter);
  on("jobs", () => {
    for (const row of rows.values()) showJob(row);
    if (at("filter").value) filter();
  });
  at("filter").oninput = filter;
  at("only-here").onchange = filter;
  at("clear").onclick = clear;
  tabs();
}

function clear() {
  rows.clear();
  at("timeline").replaceChildren();
}

function add(exchange) {
  if (exchange.way === "answer") return answer(exchange);
  const row = { exchange, node: exchange.way === "note" ? note(exchange) : line(exchange) };
  if (exchange.way === "in") asked.set(exchange.conversation, exchange);
  rows.set(exchange.n, row);
  fresh.append(row.node);
  showJob(row);
  row.node.hidden = !isWanted(row);
  if (rows.size > MOST) {
    const [oldest, { node }] = rows.entries().next().value;
    node.remove();
    rows.delete(oldest);
  }
  return undefined;
}

/** Shows the new rows, all at once: each would be a layout. */
function flush() {
  const list = at("timeline");
  if (!fresh.childNodes.length) return;
  const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  list.append(fresh);
  if (isAtEnd) list.scrollTop = list.scrollHeight;
}

const note = ({ text, at: moment }) => make("li", { class: "note" }, make("time", {}, exactTime(moment)), ` ${text}`);

function line(exchange) {
  const { way, activity, status, at: moment, fault } = exchange;
  const query = way === "out" && asked.get(exchange.conversation);
  const since = query ? ` +${duration(Date.parse(moment) - Date.parse(query.at))}` : "";
  const state = make("span", { class: "status-code" });
  const summary = make("button", { type: "button", class: "summary", "aria-expanded": "false" },
    make("span", { class: `way ${way}` }, way === "in" ? "→ in" : "← out"), make("time", {}, exactTime(moment) + since),
    make("span", { class: "kind" }, kind(exchange), fault ? make("span", { class: "refused" }, ` · fault: ${fault}`) : ""), state);
  if (activity?.text) summary.append(make("span", { class: "text" }, `${who(exchange)}: ${untagged(activity.text)}`));
  const node = make("li", {}, make("div", { class: "entry" }, summary));
  summary.onclick = () => open(node, summary, exchange);
  if (way === "out") showStatus(state, status);
  return node;
}

const who = (exchange) => exchange.way === "in" ? exchange.activity.from?.name ?? "" : `to ${owner(exchange.conversation)?.name ?? "group"}`;

function kind({ activity, effect, path, method, way }) {
  const stream = activity?.entities?.find((one) => one.type === "streaminfo");
  const what = activity?.type ?? `${method} ${(path ?? "").split("?")[0].split("/").slice(-2).join("/")}`;
  return [what, activity?.name, stream?.streamType, way === "out" && effect].filter(Boolean).join(" · ");
}

function showStatus(node, status) {
  node.textContent = status ?? "no answer";
  node.className = !status || status >= 300 ? "refused" : "ok";
}

/** Shows the response to a delivery in its row. */
function answer(exchange) {
  const row = rows.get(exchange.of);
  if (!row) return;
  row.exchange.status = exchange.status;
  row.exchange.answer = exchange.answer;
  showStatus(row.node.querySelector(".summary").children[3], exchange.status);
}

/** Shows or hides the raw exchange. */
function open(node, summary, exchange) {
  const isOpen = summary.getAttribute("aria-expanded") === "true";
  summary.setAttribute("aria-expanded", String(!isOpen));
  if (isOpen) {
    node.querySelector(".tools").remove();
    node.querySelector("pre").remove();
    return;
  }
  const { conversation, ...raw } = exchange;
  const text = JSON.stringify({ conversation, ...raw }, null, 2);
  const copy = (content) => () => navigator.clipboard.writeText(content);
  const tools = make("div", { class: "tools" }, button("Copy JSON", copy(text)), button("Copy as curl", copy(curl(exchange))));
  if (exchange.way === "in") tools.append(button("Deliver again", () => act({ act: "redeliver", id: "same", number: exchange.n })));
  node.append(tools, make("pre", {}, text));
}

/** Shows the job of a row, which is known a little later; it filters by it. */
function showJob(row) {
  const job = jobOf(row.exchange);
  if (!job || row.job === job || row.exchange.way === "note") return;
  row.job = job;
  row.node.querySelector(".entry").append(button(short(job), () => {
    at("filter").value = short(job);
    filter();
  }, { class: "chip", title: `Job ${job}`, "aria-label": `${short(job)}: show only this job` }));
}

function isWanted({ exchange, job }) {
  if (at("only-here").checked && exchange.conversation && placeOf(exchange.conversation) !== store.place) return false;
  const wanted = at("filter").value.trim().toLowerCase();
  if (!wanted) return true;
  const text = [JSON.stringify(exchange), job, owner(exchange.conversation)?.name].join(" ").toLowerCase();
  return text.includes(wanted);
}

function filter() {
  for (const row of rows.values()) row.node.hidden = !isWanted(row);
}

/** Tabs by mouse and by arrow keys. */
function tabs() {
  const all = [...document.querySelectorAll("[role=tab]")];
  const select = (tab) => {
    for (const one of all) {
      const isChosen = one === tab;
      one.setAttribute("aria-selected", String(isChosen));
      one.tabIndex = isChosen ? 0 : -1;
      at(one.getAttribute("aria-controls")).hidden = !isChosen;
    }
    tab.focus();
  };
  for (const [index, tab] of all.entries()) {
    tab.onclick = () => select(tab);
    tab.onkeydown = ({ key }) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
      if (step) select(all[(index + step + all.length) % all.length]);
    };
  }
}
