// "Time": the schedules and the clock.

import { act } from "./act.js";
import { at, button, make } from "./dom.js";
import { day, dayTime, duration, exactTime } from "./format.js";
import { now, on, store } from "./store.js";

const JUMPS = [["1 minute", 60], ["10 minutes", 600], ["1 hour", 3600], ["1 day", 86400], ["3 days", 259200], ["30 days", 2592000]];

export function start() {
  on("settings", show);
  setInterval(tick, 1000);
}

function tick() {
  if (!store.settings) return;
  const offset = store.settings.clockOffset;
  const text = `${day(now())}, ${exactTime(now()).slice(0, 8)}${offset ? ` (${duration(offset * 1000)} ahead)` : ""}`;
  if (at("clock").textContent !== text) at("clock").textContent = text;
}

/** Moves the clock, which stops at timers on its way. */
async function advance(pressed, seconds) {
  pressed.disabled = true;
  await act({ act: "advance", seconds });
  pressed.disabled = false;
}

let drawn = "";

function show() {
  tick();
  const { schedules, clockOffset } = store.settings;
  const key = JSON.stringify([schedules, clockOffset]);
  if (key === drawn) return;
  drawn = key;
  const focused = document.activeElement?.dataset?.name;
  const one = ({ name, expression, zone, next, enabled }) => make("div", { class: "schedule" },
    make("div", { class: "row" }, make("strong", {}, name), button("Fire now", () => act({ act: "fire", schedule: name }), { data: { name: `fire ${name}` }, "aria-label": `Fire now: ${name}` })),
    make("p", {}, `${expression}, ${zone}${enabled ? "" : ", disabled"}${next ? `; next ${dayTime(next)}` : ""}`));
  const jumps = JUMPS.map(([label, seconds]) => button(`+ ${label}`, (event) => advance(event.currentTarget, seconds), { disabled: clockOffset === null, data: { name: label } }));
  const explanation = clockOffset === null
    ? "The clock of this process cannot be moved."
    : "Timers, reminders and deliveries that are due by then come at once; each schedule that was due runs once. Days may take a minute. The clock does not go back: a new state directory has the real time.";
  at("panel-time").replaceChildren(make("h2", {}, "Clock"), make("p", { class: "hint" }, explanation), make("div", { class: "row" }, ...jumps),
    make("h2", {}, "Schedules"), ...schedules.map(one));
  if (focused) at("panel-time").querySelector(`[data-name="${CSS.escape(focused)}"]`)?.focus();
}
