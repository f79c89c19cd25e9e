// Accessibility and layout: axe in both schemes at three widths, no horizontal scrolling, the keyboard.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { assertQuiet, equal, message, open, say } from "../browser.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const card = JSON.parse(readFileSync(new URL("../every-element.json", import.meta.url)));
const WIDTHS = [[390, 844], [768, 1024], [1280, 800]];

/** Fills the page: an order, a stream with a source, a card, a reaction, a group chat, a thread. */
async function fill(herald) {
  await herald.start();
  const page = await open(herald);
  await say(page, "order a laptop");
  await message(page, "is placed");
  await say(page, "tell me about your shop");
  await page.locator(".sources").waitFor({ timeout: 20_000 });
  await herald.broadcast(card);
  await page.locator("#messages").getByText("Every element of Adaptive Cards 1.5").waitFor({ timeout: 20_000 });
  const { settings } = await herald.get();
  const person = settings.people[0].id;
  await herald.act({ act: "add-channel", person, team: "A workshop with a very long name that has to wrap", name: "Orders" });
  await page.context().close();
}

const VIEWS = ["chat", "side", "timeline", "jobs", "break", "time"];

async function show(page, view) {
  const isVisible = (id) => page.locator(id).isVisible();
  if (view === "side" && (await isVisible("#show-side"))) await page.click("#show-side");
  if (view === "timeline" && (await isVisible("#show-inspector"))) await page.click("#show-inspector");
  if (VIEWS.indexOf(view) >= 2) await page.click(`#tab-${view}`);
  if (view === "jobs") await page.locator(".job").first().waitFor();
}

export async function no_violation_and_no_horizontal_scrolling(herald, screenshots) {
  await fill(herald);
  const found = [];
  for (const colorScheme of ["light", "dark"]) {
    for (const [width, height] of WIDTHS) {
      const page = await open(herald, { width, height, colorScheme });
      await page.locator("#messages").getByText("Every element of Adaptive Cards 1.5").waitFor();
      // As a script of the driver: the policy of the page allows no other.
      await page.evaluate(axe);
      for (const view of VIEWS) {
        await show(page, view);
        const { violations } = await page.evaluate(() => globalThis.axe.run());
        for (const { id, nodes } of violations) found.push(`${colorScheme} ${width} ${view}: ${id} ${nodes.slice(0, 2).map((one) => one.html.slice(0, 160)).join(" | ")}`);
        const [scroll, inner] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
        if (scroll !== inner) found.push(`${colorScheme} ${width} ${view}: ${scroll} wide`);
        await page.screenshot({ path: `${screenshots}/${colorScheme}-${width}-${view}.png` });
      }
      await page.context().close();
    }
  }
  equal(found, []);
  assertQuiet();
}

export async function keyboard_reaches_everything_and_keeps_its_place(herald) {
  await herald.start();
  const page = await open(herald);
  await say(page, "order a laptop");
  await message(page, "is placed");
  const details = page.getByRole("button", { name: "Details" });

  await details.focus();
  const { settings } = await herald.get();
  await herald.act({ act: "send", person: settings.people[0].id, text: "hello" });
  await message(page, "I can order things");
  equal(await details.evaluate((node) => node === document.activeElement), true);
  await page.focus("#tab-timeline");
  await page.keyboard.press("ArrowRight");
  equal(await page.evaluate(() => document.activeElement.id), "tab-jobs");
  await page.locator(".mine .more").first().focus();
  await page.keyboard.press("Enter");
  equal(await page.evaluate(() => document.activeElement.getAttribute("role")), "menuitem");
  await page.keyboard.press("Escape");
  equal(await page.evaluate(() => document.activeElement.className), "more");
}
