// Starts the parts of the page.

import * as breaking from "./break.js";
import * as chat from "./chat.js";
import * as compose from "./compose.js";
import * as conversations from "./conversations.js";
import { at } from "./dom.js";
import * as inspector from "./inspector.js";
import * as jobs from "./jobs.js";
import * as people from "./people.js";
import { poll } from "./poll.js";
import { emit } from "./store.js";
import * as time from "./time.js";

for (const part of [people, compose, chat, conversations, jobs, inspector, breaking, time]) part.start();

/** On a narrow screen one part is shown at a time. */
for (const [id, view] of [["show-side", "side"], ["show-inspector", "inspector"]]) {
  at(id).onclick = () => {
    const isShown = document.body.dataset.view === view;
    document.body.dataset.view = isShown ? "chat" : view;
    for (const [other, name] of [["show-side", "side"], ["show-inspector", "inspector"]]) {
      at(other).setAttribute("aria-expanded", String(document.body.dataset.view === name));
    }
    if (view === "inspector" && !isShown) emit("exchanges");
  };
}
poll();
