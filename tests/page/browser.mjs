// The page in headless Chromium. What the console reports, and every request to elsewhere, is a failure.

import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

let browser = null;
const pages = [];

/** Starts the browser, if it does not run. */
export async function launch() {
  browser ??= await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
}

/** Opens the page of `herald`. */
export async function open(herald, { width = 1280, height = 800, colorScheme = "light", path = "/" } = {}) {
  await launch();
  const context = await browser.newContext({ viewport: { width, height }, colorScheme });
  const page = await context.newPage();
  const problems = [];
  page.on("console", (message) => { if (["error", "warning"].includes(message.type())) problems.push(message.text()); });
  page.on("pageerror", (error) => problems.push(error.stack));
  page.on("request", (request) => { if (!request.url().startsWith(herald.url) && !request.url().startsWith("data:")) problems.push(`request to ${request.url()}`); });
  if (process.env.ASSETS) await page.route("**/page/**", serve);
  await page.goto(herald.url + path);
  await page.waitForSelector("#connection:text('Connected')");
  pages.push({ page, problems });
  return page;
}

/** Answers with a file of the folder ASSETS, so that a change of the page needs no build. */
function serve(route) {
  const path = new URL(route.request().url()).pathname.replace("/page/", "/");
  const contentType = path.endsWith(".css") ? "text/css" : path.endsWith(".svg") ? "image/svg+xml" : "text/javascript";
  return route.fulfill({ contentType, body: readFileSync(process.env.ASSETS + path) });
}

/** Closes every page; a reported problem is an error. */
export async function close() {
  await browser?.close();
  browser = null;
  pages.length = 0;
}

/** Fails if a page reported a problem that is not one of these. */
export function assertQuiet(...expected) {
  const problems = pages.flatMap((one) => one.problems).filter((problem) => !expected.some((text) => problem.includes(text)));
  equal(problems, []);
}

export async function say(page, text) {
  await page.fill("#text", text);
  await page.press("#text", "Enter");
}

/** Waits for a message or line with this text. */
export const message = (page, text, timeout = 15_000) =>
  page.locator("#messages .message, #messages .line").filter({ hasText: text }).last().waitFor({ timeout });

export const count = (page, text) => page.locator("#messages .message").filter({ hasText: text }).count();

/** Waits until `check` returns something true. */
export async function until(check, what, timeout = 20_000) {
  const end = Date.now() + timeout;
  for (;;) {
    const found = await check();
    if (found) return found;
    if (Date.now() > end) throw new Error(`not within ${timeout} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export function equal(found, wanted) {
  const [one, other] = [JSON.stringify(found, null, 1), JSON.stringify(wanted, null, 1)];
  if (one !== other) throw new Error(`found ${one}\nwanted ${other}`);
}

export function assert(is, what) {
  if (!is) throw new Error(what);
}
