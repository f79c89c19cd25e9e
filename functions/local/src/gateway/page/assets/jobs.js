// Jobs, timers, queues and broadcasts, as the table has them.

import { arrange, at, make } from "./dom.js";
import { dayTime, duration, exactTime, short, untagged } from "./format.js";
import { emit, now, on, owner, store } from "./store.js";

/** The root job of each delivery, by number, and of each activity of the agent, by id. */
let turns = {};
let activities = new Map();
let last = "";
let due = null;

export const jobOf = (exchange) => (exchange.way === "in" ? turns[exchange.n] : activities.get(exchange.activityId));

export function start() {
  on("exchanges", () => schedule(600));
  on("settings", () => schedule(600));
  on("restart", () => { last = ""; });
  setInterval(() => { if (isShown()) schedule(0); }, 2000);
}

const isShown = () => !document.hidden && at("inspector").offsetParent !== null && !at("panel-jobs").hidden;

function schedule(wait) {
  due ??= setTimeout(load, wait);
}

async function load() {
  due = null;
  if (document.hidden || at("inspector").offsetParent === null) return;
  try {
    const answer = await fetch("/chat/jobs");
    if (answer.ok) take(await answer.json());
  } catch { /* The page shows that the server does not answer. */ }
}

function take(found) {
  const { now: _, ...rest } = found;
  const text = JSON.stringify(rest);
  if (text === last) return;
  last = text;
  turns = found.turns;
  activities = new Map(found.jobs.filter((job) => job.activity).map((job) => [job.activity, job.root]));
  emit("jobs", found);
  show(found);
}

const elements = new Map();

/** Returns the element of `key`, built again only when `input` changed. */
function keyed(key, input, build) {
  const text = JSON.stringify(input);
  if (elements.get(key)?.text !== text) {
    const node = build();
    if (elements.get(key)?.node.querySelector?.("details")?.open) node.querySelector("details").open = true;
    elements.set(key, { text, node });
  }
  return elements.get(key).node;
}

function show({ jobs, timers, broadcasts, queues }) {
  const roots = Map.groupBy(jobs, (job) => job.root);
  const heading = (text) => keyed(`h ${text}`, "", () => make("h2", {}, text));
  const hint = (text) => keyed(`p ${text}`, "", () => make("p", { class: "hint" }, text));
  const nodes = [];
  if (broadcasts.length) nodes.push(heading("Broadcasts"), ...broadcasts.map((one) => keyed(`b ${one.id}`, one, () => broadcast(one))));
  nodes.push(heading("Queues"), keyed("queues", queues, () => waiting(queues)));
  if (timers.length) nodes.push(heading("Timers"), keyed("timers", timers, () => timerList(timers)));
  nodes.push(heading("Jobs"));
  if (!jobs.length) nodes.push(hint("None yet. A job is recorded when a worker takes a turn, a task or a delivery."));
  nodes.push(...[...roots].slice(0, 60).map(([root, parts]) => keyed(`j ${root}`, parts, () => job(root, parts))));
  arrange(at("panel-jobs"), nodes);
}

/** Returns the state of a job; one that only waits for its time says so. */
const stateOf = (part) => part.state === "RETRY" && part.history.at(-1)?.reason?.startsWith("waits until") ? "WAITING" : part.state;

const state = (name) => make("span", { class: `state ${name}` }, name);

function job(root, parts) {
  const number = Object.entries(turns).find(([, id]) => id === root)?.[0];
  const query = number && store.exchanges.get(Number(number));
  const title = query ? `${query.activity.from?.name ?? owner(query.conversation)?.name ?? "Group"}: ${untagged(query.activity.text ?? query.activity.type)}` : "Sent unasked";
  const items = parts.toReversed().map((part) => {
    const history = part.history.map((entry) => make("li", {}, `${exactTime(entry.at)} `, state(entry.state), entry.reason ? ` ${entry.reason}` : ""));
    const attempts = `, ${part.attempts} ${part.attempts === 1 ? "attempt" : "attempts"}${part.resends ? `, repeated ${part.resends}` : ""}`;
    return make("li", {}, `${part.part ?? "turn"}: `, state(stateOf(part)), attempts, make("ul", {}, ...history));
  });
  const details = make("details", {}, make("summary", {}, `${parts.length} ${parts.length === 1 ? "record" : "records"}`), make("ul", {}, ...items));
  return make("div", { class: "job" }, make("div", { class: "row" }, make("span", { class: "chip", title: root }, short(root)), ...new Set(parts.map(stateOf)).values().map(state)),
    make("p", {}, title), details);
}

function waiting(queues) {
  if (!queues.length) return make("p", { class: "hint" }, "Empty.");
  const groups = Map.groupBy(queues, (one) => one.queue);
  return make("ul", {}, ...[...groups].map(([name, all]) => {
    const delayed = all.filter((one) => one.due);
    const next = delayed.map((one) => one.due).sort()[0];
    return make("li", {}, `${name}: ${all.length}${next ? `, ${delayed.length} delayed until ${dayTime(next)}` : ""}`);
  }));
}

function timerList(timers) {
  const one = (timer) => {
    const wait = Date.parse(timer.due) - now();
    return make("li", {}, `${dayTime(timer.due)}, in ${duration(wait)}: ${timer.body?.task?.name ?? timer.body?.kind ?? timer.queue}`);
  };
  return make("ul", {}, ...timers.map(one));
}

/** Returns the sum of the numbers in an object of objects. */
const sum = (value) => typeof value === "number" ? value : Object.values(value ?? {}).reduce((all, one) => all + sum(one), 0);

function broadcast({ id, spec, progress = {}, counts = {} }) {
  const total = sum(progress.planned ?? {});
  const ended = sum(counts);
  const name = spec.notification?.name ?? short(id);
  const bar = make("progress", { max: Math.max(total, ended, 1), value: ended, "aria-label": `Progress of ${name}` });
  return make("div", { class: "job" }, make("div", { class: "row" }, make("span", { class: "chip", title: id }, short(id)), state(progress.status ?? "")),
    make("p", {}, `${name}: ${ended} of ${total}. ${Object.entries(counts).map(([key, count]) => `${key} ${count}`).join(", ")}`), bar,
    make("details", {}, make("summary", {}, "Record"), make("pre", { class: "raw" }, JSON.stringify({ spec, progress, counts }, null, 2))));
}
