// "Time": a schedule is fired, the clock is moved.

import { count, equal, message, open, say, until } from "../browser.mjs";

export async function fired_schedule_sends_its_digest(herald) {
  await herald.start();
  const page = await open(herald);
  await page.locator("#messages li").first().waitFor();

  await page.click("#tab-time");
  await page.getByRole("button", { name: "Fire now: morning-digest" }).click();

  await message(page, "Good morning!", 30_000);
}

export async function moved_clock_delivers_an_order_and_a_reminder_and_stays_moved(herald) {
  await herald.start();
  const page = await open(herald);
  await say(page, "remind me in 10 minutes to call Robin");
  await until(async () => (await page.locator("#messages .message:not(.mine)").count()) === 2, "it is planned");
  await say(page, "order a laptop");
  await message(page, "is placed: a laptop");
  await page.click("#tab-time");

  await page.getByRole("button", { name: "+ 10 minutes" }).click();
  await until(async () => (await count(page, "call Robin")) === 3, "the reminder comes", 30_000);
  await page.getByRole("button", { name: "+ 3 days" }).click();
  await message(page, "delivered", 240_000);
  await until(async () => !(await page.getByRole("button", { name: "+ 3 days" }).isDisabled()), "the move ends", 60_000);
  await page.locator("#clock", { hasText: "3 days ahead" }).waitFor();
  await herald.stop();
  await herald.start();

  await page.locator("#clock", { hasText: "3 days ahead" }).waitFor();
  await say(page, "hello");
  await message(page, "I can order things", 30_000);
  equal(await page.locator("#notice").textContent(), "");
}
