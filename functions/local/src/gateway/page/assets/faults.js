// What happened after something was broken, in one line each: computed from the exchanges.

import { duration, times } from "./format.js";
import { store } from "./store.js";

const SHOWN = ["sent", "created"];

/** Returns the accounts, the latest first. */
export function accounts() {
  const all = [...store.exchanges.values()].sort((one, other) => one.n - other.n);
  const lines = [];
  for (const [index, exchange] of all.entries()) {
    const after = all.slice(index + 1);
    if (exchange.fault) {
      if (!isRepeat(exchange, all.slice(0, index))) lines.push(`${exchange.fault}: ${ofFault(exchange, after)}`);
    } else if (exchange.way === "note" && /^Killed|^The token endpoint/.test(exchange.text)) {
      lines.push(`${exchange.text.split(/[.;]/)[0]}: ${ofOutage(exchange, after)}`);
    } else if (exchange.way === "in" && exchange.activity.type === "message" && isRedelivery(exchange, all.slice(0, index))) {
      lines.push(`Delivered again with the same id: ${ofRedelivery(exchange, after)}`);
    }
  }
  return lines.reverse();
}

/** What makes two requests the same message: a repeat has it all. */
const signature = ({ conversation, method, activity }) =>
  JSON.stringify([conversation, method, activity?.type, activity?.text, (activity?.attachments ?? []).length, activity?.entities?.find((one) => one.type === "streaminfo")?.streamSequence]);

const since = (from, to) => Date.parse(to.at) - Date.parse(from.at);

function isRepeat(exchange, before) {
  return before.some((one) => one.fault && signature(one) === signature(exchange) && since(one, exchange) < 600_000);
}

function ofFault(exchange, after) {
  const repeats = [];
  for (const one of after) {
    if (one.way === "in" && one.conversation === exchange.conversation && one.activity.type === "message" && repeats.length) break;
    if (one.way === "out" && signature(one) === signature(exchange)) repeats.push(one);
  }
  const shown = [exchange, ...repeats].filter((one) => SHOWN.includes(one.effect)).length;
  const again = repeats.length ? `repeated ${times(repeats.length)} after ${duration(since(exchange, repeats.at(-1)))}` : "not repeated";
  return `${again}, shown ${shown ? times(shown) : "never"}`;
}

function ofOutage(note, after) {
  const next = after.find((one) => one.way === "out" && SHOWN.includes(one.effect) && one.activity?.type === "message");
  return next ? `the next message was shown after ${duration(since(note, next))}` : "no message since";
}

const isRedelivery = (exchange, before) => before.some((one) =>
  one.way === "in" && one.conversation === exchange.conversation && one.activity.type === "message" && one.activity.id === exchange.activity.id);

function ofRedelivery(exchange, after) {
  const answers = [];
  for (const one of after) {
    if (one.way === "in" && one.conversation === exchange.conversation && one.activity.type === "message") break;
    if (one.way === "out" && one.conversation === exchange.conversation && SHOWN.includes(one.effect) && one.activity?.type === "message") answers.push(one);
  }
  return answers.length ? `${answers.length} messages since` : "no second answer";
}
