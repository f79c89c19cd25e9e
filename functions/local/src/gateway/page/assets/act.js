// Sends an action to the server, and shows in one line when it did not work.

import { at } from "./dom.js";

/** Returns the result of an action; null if it failed. */
export async function act(body) {
  at("notice").textContent = "";
  let answer;
  try {
    answer = await fetch("/chat/act", {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
    });
  } catch {
    return fail("Herald does not answer. Is it still running?");
  }
  if (!answer.ok) return fail(`That did not work (${answer.status}). ${await answer.text()}`);
  const result = await answer.json();
  if (result.status >= 300) at("notice").textContent = `The agent answered ${result.status}.`;
  return result;
}

function fail(text) {
  at("notice").textContent = text;
  return null;
}

/** Shows one line to the person. */
export function notify(text) {
  at("notice").textContent = text;
}
