// Types "order a laptop" into the Agents Playground and waits for the ack and then the follow-up.
// Usage: node play.mjs CHROMIUM PAGE SCREENSHOT
import { chromium } from 'playwright-core';

const [executablePath, page_url, screenshot] = process.argv.slice(2);
const LIMIT_MS = 30_000;

const browser = await chromium.launch({
  executablePath,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
});
let failure;
try {
  const page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
  // The page wants fonts from elsewhere, and there is no elsewhere.
  await page.route('**', (route) =>
    ['localhost', '127.0.0.1'].includes(new URL(route.request().url()).hostname) ? route.continue() : route.abort());
  await page.goto(page_url);
  const composer = page.locator('[role=textbox][data-lexical-editor=true]');
  await composer.waitFor({ timeout: LIMIT_MS });
  await expectBubble(page, /order desk/i, 'the welcome', Date.now());

  await composer.click();
  await page.keyboard.insertText('order a laptop');
  await page.getByRole('button', { name: 'Send Message' }).click();
  const sent = Date.now();
  const ack = await expectBubble(page, /ordering a laptop/i, 'the ack', sent);
  const follow_up = await expectBubble(page, /Order #\w+ is placed/i, 'the follow-up', sent);
  if (!(ack < follow_up)) throw new Error('the follow-up came before the ack');
  if (!(ack < 15_000)) throw new Error('the ack took longer than 15 s');
  await page.getByText('Order placed').first().waitFor({ timeout: LIMIT_MS });
  await page.screenshot({ path: screenshot });
  console.log(`The ack and then the follow-up with its card were shown. Screenshot: ${screenshot}`);
} catch (error) {
  failure = error;
} finally {
  await browser.close();
}
if (failure) {
  console.error(`play.mjs: ${failure.message}`);
  process.exit(1);
}

// Milliseconds since `since` until a bubble with this text is on the page.
async function expectBubble(page, text, name, since) {
  await page.getByText(text).first().waitFor({ timeout: LIMIT_MS })
    .catch(() => { throw new Error(`${name} was not shown within ${LIMIT_MS / 1000} s`); });
  const after = Date.now() - since;
  console.log(`${name}: +${after} ms`);
  return after;
}
