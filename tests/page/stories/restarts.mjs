// Crashes: of the worker, and of the whole process, with the page open.

import { assert, count, equal, message, open, say, until } from "../browser.mjs";
import { pause } from "../herald.mjs";

export async function worker_killed_in_the_midst_of_an_order_places_it_later(herald) {
  await herald.start();
  const page = await open(herald);
  await page.click("#tab-break");
  await say(page, "order a laptop");
  await message(page, "On it");
  // Until the worker has claimed the task, which takes the shop two seconds.
  await pause(800);

  await page.getByRole("button", { name: "Kill the worker" }).click();

  await message(page, "is placed: a laptop", 90_000);
  await until(async () => /^Killed the worker: the next message was shown after/.test(await page.locator("#account").textContent()), "the account");
  equal(await count(page, "is placed: a laptop"), 1);
}

export async function order_of_a_killed_process_is_placed_in_the_same_page(herald) {
  await herald.start();
  const page = await open(herald);
  await say(page, "order a chair");
  await message(page, "On it");

  await herald.kill();
  await page.locator("#connection.lost").waitFor();
  await say(page, "order a lamp");
  await page.locator("#notice", { hasText: "Herald does not answer" }).waitFor();
  equal(await page.inputValue("#text"), "order a lamp");
  await herald.start();

  await page.locator("#connection:not(.lost)").waitFor();
  await message(page, "is placed: a chair", 90_000);
  equal([await count(page, "On it"), await page.inputValue("#text")], [1, "order a lamp"]);
  await page.focus("#text");
  await page.keyboard.press("Enter");
  await message(page, "is placed: a lamp", 30_000);
  assert((await page.locator("#notice").textContent()) === "", "the notice is gone");
}

export async function reload_keeps_conversation_and_draft(herald) {
  await herald.start();
  const page = await open(herald);
  await say(page, "hello");
  await message(page, "I can order things");
  await page.locator("#text").pressSequentially("half a sen");

  await herald.stop();
  await herald.start();
  await page.reload();

  await message(page, "I can order things");
  await until(async () => (await page.inputValue("#text")) === "half a sen", "the draft is kept");
  await pause(200);
  equal(await count(page, "I can order things"), 1);
}
