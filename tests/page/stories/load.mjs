// 200 people and 10,000 exchanges in the state: the page answers within a second, and memory stays flat.

import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { assert, launch, message, open, say, until } from "../browser.mjs";

export async function page_with_200_people_and_10000_exchanges_answers_within_a_second(herald) {
  await herald.start();
  await herald.get();
  await until(async () => (await herald.get()).exchanges.some((one) => one.way === "out"), "the greeting");
  await herald.stop();
  enlarge(herald.state);
  await herald.start();
  const { settings } = await herald.get();
  assert(settings.people.length === 200, `${settings.people.length} people`);

  await launch();
  const page = await open(herald);
  await page.locator("#messages .message").first().waitFor();
  const first = await page.evaluate(() => performance.now());
  const chosen = performance.now();
  await page.locator("#person").selectOption("Person 77");
  await message(page, "number 49 of person 77");
  const second = performance.now() - chosen;
  const before = herald.memory();
  for (let round = 0; round < 60; round += 1) await (await fetch(`${herald.url}/chat/log`)).arrayBuffer();
  const growth = herald.memory() - before;
  await say(page, "hello");
  await message(page, "I can order things");

  console.log(`      first messages after ${first.toFixed(0)} ms, another person after ${second.toFixed(0)} ms, ${before.toFixed(0)} MB, +${growth.toFixed(1)} MB`);
  assert(first < 1000 && second < 1000, "it takes longer than a second");
  assert(growth < 40, "memory grows");
}

/** Writes people and exchanges into the state of a stopped process. */
function enlarge(state) {
  const file = `${state}/channel.json`;
  const saved = JSON.parse(readFileSync(file));
  const { people, installed, conversations } = saved.channel;
  const [alex] = people;
  const [[id, conversation]] = Object.entries(conversations);
  const all = [];
  for (let number = 2; number <= 200; number += 1) {
    const person = { ...alex, name: `Person ${number}`, id: `29:person-${number}`, entra_id: `00000000-0000-4000-a000-${String(number).padStart(12, "0")}` };
    people.push(person);
    installed.push(person.id);
    conversations[`a:person-${number}`] = { ...conversation, place: { personal: person.id }, activities: [] };
    all.push([person, `a:person-${number}`]);
  }
  writeFileSync(file, JSON.stringify(saved));
  const lines = readFileSync(`${state}/exchanges.jsonl`, "utf8").trim().split("\n").map((line) => JSON.parse(line));
  const out = lines.find((line) => line.way === "out" && line.conversation === id);
  let last = Math.max(...lines.map((line) => line.n));
  let text = "";
  for (let number = 0; number < 9_990; number += 1) {
    const [person, place] = all[number % 199];
    const index = Math.floor(number / 199);
    last += 1;
    const said = `number ${index} of ${person.name.toLowerCase()} ${"and more ".repeat(40)}`;
    text += `${JSON.stringify({ ...out, n: last, conversation: place, activityId: `x${last}`, activity: { ...out.activity, text: said } })}\n`;
  }
  appendFileSync(`${state}/exchanges.jsonl`, text);
}
