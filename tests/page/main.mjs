// Runs the stories one after the other, each with a Herald and a state of its own; exits 1 if one fails.

import { Herald } from "./herald.mjs";
import { close } from "./browser.mjs";

const [binary, work, screenshots] = process.argv.slice(2);
const files = ["chat", "cards", "places", "faults", "restarts", "time", "access", "load"];
const only = process.env.ONLY ?? "";
let failed = 0;

for (const file of files) {
  for (const [name, story] of Object.entries(await import(`./stories/${file}.mjs`))) {
    const title = `${file}: ${name.replaceAll("_", " ")}`;
    if (!title.includes(only)) continue;
    const herald = new Herald(binary, `${work}/${file}-${name}`);
    const start = performance.now();
    try {
      await story(herald, screenshots);
      console.log(`ok    ${title} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
    } catch (error) {
      failed += 1;
      console.log(`FAIL  ${title}\n${error.stack}\n${herald.log.slice(-2000)}`);
    } finally {
      await close();
      await herald.stop();
    }
  }
}
console.log(failed ? `${failed} stories failed` : "All stories passed.");
process.exit(failed ? 1 : 0);
