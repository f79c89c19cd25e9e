// Messages: an order, a streamed answer, edits, deletions, reactions, quotes, Markdown.

import { assert, assertQuiet, count, equal, message, open, say, until } from "../browser.mjs";

export async function an_order_is_placed_and_its_details_are_shown(herald) {
  await herald.start();
  const page = await open(herald);

  await say(page, "order a laptop");
  await message(page, "is placed: a laptop");
  await page.getByRole("button", { name: "Details" }).click();

  await page.getByText("Order on its way").waitFor();
  await page.reload();
  await page.getByText("Order on its way").waitFor();
  equal(await count(page, "order a laptop"), 2);
  assertQuiet();
}

export async function a_streamed_answer_inserts_no_node_but_its_own_and_keeps_focus_and_selection(herald) {
  await herald.start();
  const page = await open(herald);
  await say(page, "hello");
  await message(page, "I can order things for you");
  await page.evaluate(() => {
    window.inserted = [];
    const observer = new MutationObserver((changes) => {
      for (const change of changes) {
        for (const node of change.addedNodes) {
          const own = (change.target.closest?.("li[data-key]") ?? node.closest?.("li[data-key]"))?.dataset.key;
          window.inserted.push(own ?? "elsewhere");
        }
      }
    });
    observer.observe(document.getElementById("messages"), { childList: true, subtree: true });
  });

  await say(page, "tell me about your shop");
  await page.getByText("writing").waitFor();
  await page.fill("#text", "half a sen");
  await page.evaluate(() => getSelection().selectAllChildren(document.querySelector("#messages .message .part")));
  const selected = await page.evaluate(() => String(getSelection()));
  await page.locator(".sources").waitFor({ timeout: 20_000 });

  const inserted = new Set(await page.evaluate(() => window.inserted));
  equal([inserted.size, inserted.has("elsewhere")], [2, false]);
  assert(selected.length > 5, "something is selected");
  equal(await page.evaluate(() => String(getSelection())), selected);
  equal([await page.inputValue("#text"), await page.evaluate(() => document.activeElement.id)], ["half a sen", "text"]);
  equal(await page.locator("#messages [aria-busy]").count(), 0);
  assertQuiet();
}

export async function a_stopped_answer_says_so(herald) {
  await herald.start();
  const page = await open(herald);
  await say(page, "tell me about your shop");
  await message(page, "Our shop is");

  await page.click("#stop");

  await page.locator(".badge", { hasText: "stopped" }).waitFor();
  equal(await page.locator(".badge", { hasText: "writing" }).count(), 0);
}

export async function own_messages_are_edited_deleted_and_restored(herald) {
  await herald.start();
  const page = await open(herald);
  await say(page, "hallo");
  await message(page, "I can order things");
  const menu = async (name) => {
    await page.locator(".mine .more").first().click();
    await page.getByRole("menuitem", { name, exact: true }).click();
  };

  await menu("Edit");
  equal(await page.inputValue("#text"), "hallo");
  await say(page, "hello");
  await page.locator(".mine .badge", { hasText: "edited" }).waitFor();
  await menu("Delete");
  await page.getByText("This message was deleted.").waitFor();
  await menu("Undo deletion");
  await message(page, "hello");

  const kinds = (await herald.delivered()).map((one) => one.channelData?.eventType).filter(Boolean);
  equal(kinds, ["editMessage", "softDeleteMessage", "undeleteMessage"]);
}

export async function agent_messages_are_quoted_and_reacted_to(herald) {
  await herald.start();
  const page = await open(herald);
  await message(page, "Hello! I am the order desk");
  const menu = async (name) => {
    await page.locator(".message:not(.mine) .more").first().click();
    await page.getByRole("menuitem", { name, exact: true }).click();
  };

  await menu("heart");
  await page.locator(".reactions button").click();
  await until(async () => (await page.locator(".reactions button").count()) === 0, "the reaction is taken back");
  await menu("Reply with a quote");
  await say(page, "order a chair");
  await page.locator(".mine .quote", { hasText: "I am the order desk" }).waitFor();
  await message(page, "is placed: a chair");

  const sent = (await herald.delivered()).filter((one) => one.type !== "installationUpdate");
  equal([sent[0].reactionsAdded, sent[1].reactionsRemoved], [[{ type: "heart" }], [{ type: "heart" }]]);
  equal(sent[2].entities[0].type, "quotedReply");
}

export async function nothing_of_a_message_becomes_markup(herald) {
  await herald.start();
  const page = await open(herald);

  await say(page, "<img src=x onerror=alert(1)> **not bold** <script>alert(1)</script>");
  await message(page, "I can order things");
  await say(page, "order <b>a</b> [lamp](javascript:alert(1))");
  await message(page, "is placed");

  equal(await page.locator("#messages img, #messages script, #messages a[href^=javascript]").count(), 0);
  assertQuiet();
}
