// Several people, a group chat, a team with channels and threads, and the settings of a person.

import { assertQuiet, equal, message, open, say } from "../browser.mjs";

async function addPerson(page, name) {
  await page.click("#add-person");
  await page.getByLabel("Name").fill(name);
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await page.locator("#title", { hasText: `${name} and Herald` }).waitFor();
}

export async function two_people_in_a_group_chat_see_the_same_messages(herald) {
  await herald.start();
  const page = await open(herald);
  await page.locator("#messages li").first().waitFor();
  await addPerson(page, "Robin");

  await page.click("#add-chat");
  await page.getByLabel("Name").fill("Office");
  await page.getByLabel("Alex").check();
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByRole("button", { name: "Office" }).click();
  await message(page, "Mention me and write");
  await say(page, "what is for lunch?");
  await say(page, "@Herald order a lamp");
  await message(page, "Robin: order");
  await page.locator("#person").selectOption("Alex");
  await page.getByRole("button", { name: "Office" }).click();

  await page.locator(".message:not(.mine) .who", { hasText: "Robin" }).first().waitFor();
  await page.locator(".message .mention", { hasText: "Herald" }).first().waitFor();
  const sent = (await herald.delivered()).filter((one) => one.conversation.conversationType === "groupChat" && one.type === "message");
  equal(sent.map((one) => (one.entities ?? []).filter((entity) => entity.type === "mention").length), [0, 1]);
  assertQuiet();
}

export async function threads_of_a_channel_are_kept_apart(herald, screenshots) {
  await herald.start();
  const page = await open(herald);
  await page.locator("#messages li").first().waitFor();

  await page.click("#add-channel");
  await page.getByLabel("Team").fill("Workshop");
  await page.getByRole("textbox", { name: "Channel" }).fill("Orders");
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByRole("button", { name: "Orders" }).click();
  await say(page, "@Herald order a chair");
  await page.locator(".thread", { hasText: "is placed: a chair" }).waitFor({ timeout: 15_000 });
  await say(page, "@Herald order a table");
  await page.locator(".thread", { hasText: "is placed: a table" }).waitFor({ timeout: 15_000 });
  await page.locator(".thread", { hasText: "order a chair" }).getByRole("button", { name: "Reply", exact: true }).click();
  await say(page, "thank you");

  await page.locator(".thread", { hasText: "order a chair" }).getByText("thank you").waitFor();
  await page.screenshot({ path: `${screenshots}/channel.png` });
  equal(await page.locator(".thread", { hasText: "thank you" }).count(), 1);
  const threads = new Set((await herald.delivered()).filter((one) => one.type === "message").map((one) => one.conversation.id));
  equal(threads.size, 2);
}

export async function settings_of_a_person_are_in_their_activities(herald) {
  await herald.start();
  const page = await open(herald);
  await page.locator("#messages li").first().waitFor();

  await page.click("#person-settings");
  await page.getByLabel("Language", { exact: true }).fill("de-DE");
  await page.getByLabel("Time zone").fill("Europe/Berlin");
  await page.getByLabel("Writes in").selectOption("copilot");
  await page.getByRole("button", { name: "Save" }).click();
  await say(page, "order a lamp");
  await message(page, "is placed: a lamp");
  await page.click("#person-settings");
  await page.getByLabel("Writes in").selectOption("webChat");
  await page.getByRole("button", { name: "Save" }).click();
  await say(page, "order a desk");
  await message(page, "is placed: a desk");

  const [copilot, web] = (await herald.delivered()).filter((one) => one.type === "message");
  equal([copilot.locale, copilot.localTimezone, copilot.entities[0].id], ["de-DE", "Europe/Berlin", "COPILOT"]);
  equal(web.channelId, "webchat");
}

export async function unseen_messages_are_marked(herald) {
  await herald.start();
  const page = await open(herald);
  await page.locator("#messages li").first().waitFor();
  const { settings } = await herald.get();
  await addPerson(page, "Robin");

  await herald.act({ act: "send", person: settings.people[0].id, text: "hello" });

  const mark = page.getByRole("button", { name: /Alex/ }).filter({ has: page.locator(".count") });
  await mark.click();
  await page.locator("#title", { hasText: "Alex and Herald" }).waitFor();
  equal(await page.locator("#conversations .count").count(), 0);
}
