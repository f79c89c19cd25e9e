// Drives the Agents Playground page in headless Chromium: sends one order and checks that Herald
// acknowledges it at once and reports the outcome later, in a second message; then requests a streamed
// answer, and checks that it grows in one bubble.
//
// usage: node play.mjs PLAYGROUND_PORT SCREENSHOT_PATH
import { chromium } from "playwright-core";

const [port, screenshot] = process.argv.slice(2);
if (!/^\d+$/.test(port ?? "") || !screenshot) {
  console.error("usage: node play.mjs PLAYGROUND_PORT SCREENSHOT_PATH");
  process.exit(2);
}

const REQUEST = "order a laptop";
const STREAMED = "tell me about your shop";
const STREAM_END = /still on its way\.$/; // the end of the streamed answer
const ACK_LIMIT_MS = 15_000; // Microsoft 365 wants a first answer within 15 s
const TIMEOUT_MS = 30_000; // for both messages together
const WELCOME_WAIT_MS = 10_000;
const MIN_GAP_MS = 500; // an outcome sent together with the acknowledgement is not a follow-up
const SETTLE_MS = 1_000; // a card has a bubble of its own, right after its text
const POLL_MS = 50;

// "I will post here when it is placed" only promises; "Order #1042 is placed" reports.
const promises = (text) => /\b(will|when|once|as soon as)\b[^.!\n]*\bplaced\b/i.test(text);
const isFollowUp = (text) => /\bplaced\b/i.test(text) && !promises(text);
// Nothing has a number before it is placed: "Order #1042" is the outcome's card, not an acknowledgement.
const isAck = (text) =>
  /order/i.test(text) && !isFollowUp(text) && !/\border\s*#?\d/i.test(text) && !/\bwelcome\b/i.test(text);

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

class Failure extends Error {}

/** The text of every bot bubble on the page, oldest first. */
async function botBubbles(page) {
  return page.locator('[aria-label="Message header"]').evaluateAll((headers) =>
    headers
      .filter((header) => header.querySelector('[aria-label="Message author"]'))
      .map((header) => {
        const bubble = header.parentElement.innerText;
        // The header (author and clock) comes first in its bubble.
        return (bubble.startsWith(header.innerText) ? bubble.slice(header.innerText.length) : bubble)
          .replace(/\s+/g, " ")
          .trim();
      }),
  );
}

async function waitForWelcome(page) {
  const end = Date.now() + WELCOME_WAIT_MS;
  while (Date.now() < end) {
    const bubbles = (await botBubbles(page)).filter((text) => text !== "");
    if (bubbles.length > 0) {
      console.log(`before send: ${bubbles.join(" | ")}`);
      return bubbles.length;
    }
    await sleep(POLL_MS);
  }
  throw new Failure(`no welcome message within ${WELCOME_WAIT_MS} ms of opening the page`);
}

async function send(page, text) {
  await page.locator("[role=textbox][data-lexical-editor=true]").click();
  await page.keyboard.insertText(text);
  const sent = Date.now();
  await page.getByRole("button", { name: "Send Message" }).click();
  return sent;
}

/** Requests a streamed answer, and checks that its status, growth and end are shown in one bubble. */
async function stream(page) {
  const before = (await botBubbles(page)).length;
  const sent = await send(page, STREAMED);
  const seen = []; // texts of the bubble, in order
  const end = sent + TIMEOUT_MS;
  while (Date.now() < end && !STREAM_END.test(seen.at(-1) ?? "")) {
    const bubbles = (await botBubbles(page)).slice(before);
    const text = bubbles[0] ?? "";
    if (bubbles.length > 1) throw new Failure(`${bubbles.length} bubbles for one streamed answer: ${bubbles.join(" | ")}`);
    if (text !== "" && seen.at(-1) !== text) {
      seen.push(text);
      console.log(`+${String(Date.now() - sent).padStart(5)} ms  (${text.length} characters) ${text.slice(0, 60)}`);
    }
    await sleep(POLL_MS);
  }
  if (!STREAM_END.test(seen.at(-1) ?? "")) {
    throw new Failure(`the streamed answer did not end within ${TIMEOUT_MS} ms; it showed: ${seen.at(-1)}`);
  }
  await sleep(SETTLE_MS);
  const bubbles = (await botBubbles(page)).slice(before);
  if (bubbles.length !== 1) throw new Failure(`${bubbles.length} bubbles for one streamed answer at its end`);
  if (seen.length < 4) throw new Failure(`the streamed answer was seen in ${seen.length} states only: ${seen.join(" | ")}`);
  console.log(`ok: streamed in one bubble, seen in ${seen.length} states`);
}

async function run(page) {
  await page.goto(`http://127.0.0.1:${port}/`, { waitUntil: "domcontentloaded" });
  await page.locator("[role=textbox][data-lexical-editor=true]").waitFor({ timeout: TIMEOUT_MS });
  const before = await waitForWelcome(page);
  const sent = await send(page, REQUEST);

  const arrivals = []; // by position on the page: { ms, text }
  let end = sent + TIMEOUT_MS;
  let ack;
  let followUp;
  while (Date.now() < end) {
    const bubbles = (await botBubbles(page)).slice(before);
    const ms = Date.now() - sent;
    for (const [i, text] of bubbles.entries()) {
      // An empty bubble is one that is still being drawn.
      if (text === "" || arrivals[i]?.text === text) continue;
      arrivals[i] = { ms, text };
      console.log(`+${String(ms).padStart(5)} ms  ${text}`);
      if (!ack && isAck(text)) ack = { ms, i };
      if (!followUp && isFollowUp(text)) {
        followUp = { ms, i };
        end = Math.min(end, Date.now() + SETTLE_MS);
      }
    }
    await sleep(POLL_MS);
  }

  if (!ack && !followUp) {
    throw new Failure(`no acknowledgement and no follow-up within ${TIMEOUT_MS} ms of "${REQUEST}"`);
  }
  if (!ack) throw new Failure(`no acknowledgement: the follow-up came at +${followUp.ms} ms without one`);
  if (!followUp) {
    throw new Failure(`no follow-up within ${TIMEOUT_MS} ms; the acknowledgement came at +${ack.ms} ms`);
  }
  if (followUp.i <= ack.i || followUp.ms < ack.ms) {
    throw new Failure(
      `wrong order: the follow-up came at +${followUp.ms} ms, before the acknowledgement at +${ack.ms} ms`,
    );
  }
  if (ack.ms > ACK_LIMIT_MS) {
    throw new Failure(`the acknowledgement took ${ack.ms} ms; the limit is ${ACK_LIMIT_MS} ms`);
  }
  if (followUp.ms - ack.ms < MIN_GAP_MS) {
    throw new Failure(`the follow-up came ${followUp.ms - ack.ms} ms after the acknowledgement: not asynchronous`);
  }
  if (!(await page.locator(".ac-adaptiveCard").filter({ hasText: /order/i }).count())) {
    throw new Failure("the follow-up came without its card");
  }
  console.log(`ok: acknowledged at +${ack.ms} ms, followed up at +${followUp.ms} ms`);
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  headless: true,
  args: [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
  ],
});
let page;
try {
  const context = await browser.newContext({
    serviceWorkers: "block",
    viewport: { width: 1280, height: 900 },
  });
  await context.route("**/*", (route) =>
    LOOPBACK.has(new URL(route.request().url()).hostname) ? route.continue() : route.abort(),
  );
  page = await context.newPage();
  await run(page);
  await stream(page);
} catch (error) {
  console.error(`FAIL: ${error instanceof Failure ? error.message : error.stack}`);
  process.exitCode = 1;
} finally {
  try {
    await page?.screenshot({ path: screenshot });
    if (page) console.log(`screenshot: ${screenshot}`);
  } catch (error) {
    console.error(`FAIL: no screenshot: ${error.message}`);
    process.exitCode = 1;
  }
  await browser.close();
}
