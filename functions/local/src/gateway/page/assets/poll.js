// Receives what is new, for as long as the page is open, and starts over when the server is another process.

import { at } from "./dom.js";
import { emit, store } from "./store.js";

let epoch = "";
let hash = "";
let last = 0;

export async function poll() {
  for (;;) {
    try {
      const query = new URLSearchParams({ after: last, settings: hash, epoch });
      const answer = await fetch(`/chat/log?${query}`);
      if (!answer.ok) throw new Error(answer.status);
      receive(await answer.json());
      show("Connected", false);
    } catch {
      show("Herald does not answer. Reconnecting…", true);
      await new Promise((resolve) => setTimeout(resolve, 700));
    }
  }
}

function receive(news) {
  if (epoch && news.epoch !== epoch) {
    // Another process: its log may be another one. What is typed and chosen stays.
    [last, hash] = [0, ""];
    epoch = news.epoch;
    store.exchanges.clear();
    store.first = 1;
    emit("restart");
    return;
  }
  const isFirst = !epoch || last === 0;
  epoch = news.epoch;
  store.ahead = Date.parse(news.now) - Date.now();
  hash = news.hash;
  if (isFirst && news.first) store.first = news.first;
  if (news.settings) {
    store.settings = news.settings;
    emit("settings");
  }
  take(news.exchanges, !isFirst);
}

/** Adds exchanges; `isNew` unless they are older than the page. */
export function take(exchanges, isNew) {
  for (const exchange of exchanges) {
    if (store.exchanges.has(exchange.n)) continue;
    store.exchanges.set(exchange.n, exchange);
    last = Math.max(last, exchange.n);
    emit("exchange", { exchange, isNew });
  }
  if (exchanges.length) emit("exchanges");
}

function show(text, isLost) {
  const line = at("connection");
  if (line.textContent === text) return;
  line.textContent = text;
  line.classList.toggle("lost", isLost);
}
