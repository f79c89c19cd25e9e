// Every element and action of Adaptive Cards 1.5, hero cards and suggested actions.

import { readFileSync } from "node:fs";
import { assert, assertQuiet, equal, open, until } from "../browser.mjs";

const card = JSON.parse(readFileSync(new URL("../every-element.json", import.meta.url)));

/** Opens the page with the card. */
async function withCard(herald, options) {
  await herald.start();
  const page = await open(herald, options);
  await page.locator("#messages li").first().waitFor();
  await herald.broadcast(card);
  await page.locator("#messages").getByText("Every element of Adaptive Cards 1.5").waitFor({ timeout: 20_000 });
  return page;
}

export async function every_element_is_drawn(herald, screenshots) {
  const page = await withCard(herald, { height: 2400 });
  const drawn = {
    TextBlock: ".ac-textBlock", RichTextBlock: ".ac-richTextBlock", TextRun: ".ac-textRun", Image: "img.ac-image", ImageSet: ".ac-imageSet img + img, .ac-imageSet > :nth-child(2)",
    Media: ".ac-media", FactSet: ".ac-factset", Container: ".ac-container", ColumnSet: ".ac-columnSet", Table: ".ac-table, [role=table]",
    "Input.Text": "input.ac-textInput", "Input.Text, several lines": "textarea.ac-multiline", "Input.Number": ".ac-numberInput", "Input.Date": ".ac-dateInput", "Input.Time": ".ac-timeInput",
    "Input.Toggle": ".ac-toggleInput", "Input.ChoiceSet, compact": "select.ac-multichoiceInput", "Input.ChoiceSet, expanded": ".ac-choiceSetInput-multiSelect, .ac-choiceSetInput-expanded",
    ActionSet: ".ac-actionSet", "Action.Execute": "button[title=Execute], button:text-is('Execute')", "Inline action": ".ac-inlineActionButton",
  };
  const missing = [];
  for (const [name, selector] of Object.entries(drawn)) {
    if ((await page.locator(".card").last().locator(selector).count()) === 0) missing.push(name);
  }
  await page.locator(".card").last().screenshot({ path: `${screenshots}/card.png` });

  equal(missing, []);
  equal(await page.locator(".card img[src^=http]").count(), 0);
  assertQuiet();
}

export async function every_action_is_live(herald) {
  const page = await withCard(herald, { height: 2400 });
  const inputs = { count: 2, day: "2026-12-01", time: "09:30", urgent: "false", colour: "blue" };
  const last = async (is) => until(async () => (await herald.delivered()).findLast(is), "the agent received it");
  const press = (name) => page.getByRole("button", { name, exact: true }).click();

  await press("Execute");
  await page.locator(".card").getByText("A name is needed").waitFor();
  equal((await herald.delivered()).filter((one) => one.type === "invoke").length, 0);
  await page.getByLabel("Name").fill("Robin");
  await page.getByLabel("Mouse").check();
  await press("Execute");
  const executed = await last((one) => one.value?.action?.verb === "all-elements");
  equal(executed.name, "adaptiveCard/action");
  const { from, name, extras } = executed.value.action.data;
  equal([from, name, extras, String(executed.value.action.data.count)], ["execute", "Robin", "mouse", "2"]);
  for (const [key, value] of Object.entries(inputs)) equal(String(executed.value.action.data[key]), String(value));
  equal(await page.getByLabel("Name").inputValue(), "Robin");

  await press("Submit");
  const submitted = await last((one) => one.value?.from === "submit");
  equal([submitted.type, submitted.value.name], ["message", "Robin"]);
  await press("Remove");
  equal(Object.keys((await last((one) => one.value?.from === "remove")).value), ["from"]);
  await press("Show a card");
  await page.getByLabel("Inner text").fill("within");
  await press("Submit within");
  equal((await last((one) => one.value?.from === "inner")).value.inner, "within");
  await page.locator(".card").getByText("right column").click();
  equal((await last((one) => one.value?.picked)).value.picked, "column");
  assert(!(await page.locator(".card").getByText("This was hidden").isVisible()), "it is hidden");
  await press("Show the hidden text");
  await page.locator(".card").getByText("This was hidden").waitFor();
  await press("Check");
  await last((one) => one.value?.action?.verb === "check-note");
  await page.context().route("https://example.com/**", (route) => route.fulfill({ body: "the shop" }));
  const [popup] = await Promise.all([page.context().waitForEvent("page"), page.getByText("Open the shop", { exact: true }).click()]);
  equal(popup.url(), "https://example.com/shop");
}

export async function images_are_loaded_only_with_the_switch(herald) {
  const page = await withCard(herald, { height: 2400 });
  equal(await page.locator(".card img[src^=http]").count(), 0);
  await page.context().route("https://example.com/**", (route) => route.fulfill({ contentType: "image/svg+xml", body: "<svg xmlns='http://www.w3.org/2000/svg'/>" }));

  await page.click("#images");

  await page.locator(".card img[src='https://example.com/picture.png']").waitFor({ state: "attached" });
  equal(await page.locator("#images").getAttribute("aria-pressed"), "true");
}

/** Shows what an agent may send and the sample does not: drawn from a log that the test serves. */
export async function hero_cards_suggested_actions_and_markdown_are_drawn(herald) {
  await herald.start();
  const page = await open(herald);
  await page.locator("#messages li").first().waitFor();
  const { settings } = await herald.get();
  const conversation = settings.people[0].conversations[0];
  const entry = (n, activity) => ({
    n, way: "out", at: "2030-01-01T00:00:00Z", method: "POST", path: "/x", effect: "sent", status: 201, conversation, activityId: `x${n}`,
    activity: { type: "message", ...activity },
  });
  const entries = [
    entry(0.1, { text: "**bold** and `code`\n\n| a | b |\n|---|:-:|\n| 1 | 2 |\n\n<b>no tag</b> <at>Robin</at>" }),
    entry(0.2, { text: "<b>bold</b> <script>alert(1)</script><a href='javascript:x'>link</a>", textFormat: "xml" }),
    entry(0.3, { attachments: [{ contentType: "application/vnd.microsoft.card.hero", content: {
      title: "A hero", subtitle: "of the office", text: "with *text*", images: [{ url: "https://example.com/hero.png" }],
      buttons: [{ type: "imBack", title: "Order a lamp", value: "order a lamp" }] } }] }),
    entry(0.4, { text: "Cited [1]", channelData: { feedbackLoop: { type: "default" } }, entities: [{ type: "https://schema.org/Message", additionalType: ["AIGeneratedContent"],
      usageInfo: { name: "Confidential" }, citation: [{ position: 1, appearance: { name: "A source", abstract: "Its text", url: "https://example.com/" } }] }],
      suggestedActions: { actions: [{ type: "imBack", title: "Order a chair", value: "order a chair" }] } }),
  ];
  await page.evaluate(async (all) => (await import("/page/poll.js")).take(all, true), entries);

  await page.locator(".part strong", { hasText: "bold" }).waitFor();
  equal(await page.locator(".part td.align-center").innerText(), "2");
  equal(await page.locator(".part .mention").innerText(), "Robin");
  equal(await page.locator("#messages script, #messages a[href^=javascript]").count(), 0);
  await page.locator(".badge", { hasText: "AI generated" }).waitFor();
  await page.locator(".badge", { hasText: "Confidential" }).waitFor();
  await page.locator(".sources a", { hasText: "A source" }).waitFor();
  equal(await page.locator(".feedback button").count(), 2);
  await page.locator("#suggestions button").click();
  await page.locator(".message").filter({ hasText: "is placed: a chair" }).waitFor({ timeout: 15_000 });
  await page.locator(".hero button").click();
  await page.locator(".message").filter({ hasText: "is placed: a lamp" }).waitFor({ timeout: 15_000 });
  assertQuiet();
}
