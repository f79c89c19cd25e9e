// "Break something": each fault has its effect, and one line says what happened.

import { count, equal, message, open, say, until } from "../browser.mjs";

async function withFault(herald, title) {
  await herald.start();
  const page = await open(herald);
  await page.locator("#messages li").first().waitFor();
  await page.click("#tab-break");
  await page.getByRole("button", { name: `Inject: ${title}`, exact: true }).click();
  await page.getByRole("button", { name: "Remove pending faults (1)" }).waitFor();
  await say(page, "hello");
  return page;
}

const account = (page, pattern, timeout = 30_000) => until(async () => pattern.test(await page.locator("#account").textContent()), `an account like ${pattern}`, timeout);

export async function throttled_send_is_repeated_once_and_shown_once(herald) {
  const page = await withFault(herald, "429 with Retry-After");
  await account(page, /^429, not delivered: repeated once after [3-9](\.\d)? s, shown once$/);
  equal(await count(page, "I can order things"), 1);
}

export async function lost_reply_is_repeated_once_and_shown_twice(herald) {
  const page = await withFault(herald, "Lost reply");
  await account(page, /^delivered, the reply was lost: repeated once after \d+(\.\d)? s, shown twice$/, 60_000);
  equal(await count(page, "I can order things"), 2);
}

export async function token_fault_takes_effect_at_once(herald) {
  const page = await withFault(herald, "503 from the token endpoint");
  await message(page, "I can order things", 30_000);
  await account(page, /^The token endpoint answered 503: the next message was shown after/);
}

export async function redelivered_activity_has_no_second_answer(herald) {
  await herald.start();
  const page = await open(herald);
  await say(page, "hello");
  await message(page, "I can order things");
  await page.click("#tab-break");

  await page.getByRole("button", { name: "Same id" }).click();

  await account(page, /^Delivered again with the same id: no second answer$/);
  await page.locator(".badge", { hasText: "delivered 2 times" }).waitFor();
  await page.getByRole("button", { name: "New id" }).click();
  await until(async () => (await count(page, "I can order things")) === 2, "the new id is another message");
}

export async function timeline_shows_filters_and_clears(herald) {
  await herald.start();
  const page = await open(herald);
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await say(page, "order a laptop");
  await message(page, "is placed: a laptop");

  await page.locator("#timeline .chip").first().waitFor();
  const order = page.locator("#timeline > li", { hasText: "Alex: order a laptop" });
  const job = await order.locator(".chip").textContent();
  await order.locator(".chip").click();
  await until(async () => (await page.locator("#timeline > li:visible").count()) === 3, "the message and two answers");
  equal(await page.inputValue("#filter"), job);
  await order.locator(".summary time").click();
  await order.getByRole("button", { name: "Copy as curl" }).click();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  equal([copied.startsWith("curl -X POST 'http://127.0.0.1:"), copied.includes("order a laptop")], [true, true]);
  await page.click("#clear");
  equal(await page.locator("#timeline > li").count(), 0);
  await page.click("#tab-jobs");
  await page.locator(".job", { hasText: "order a laptop" }).locator(".state", { hasText: "WAITING" }).first().waitFor();
}
