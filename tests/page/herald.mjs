// A running `herald run`, and its command line.

import { execFile, spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import net from "node:net";
import { promisify } from "node:util";

export class Herald {
  log = "";

  constructor(binary, state) {
    Object.assign(this, { binary, state });
  }

  async start() {
    this.port ??= await freePort();
    this.url = `http://127.0.0.1:${this.port}`;
    this.process = spawn(this.binary, ["run", "--port", String(this.port), "--state", this.state], { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.process.stdout, this.process.stderr]) stream.on("data", (text) => { this.log += text; });
    this.ended = new Promise((resolve) => this.process.on("exit", resolve));
    for (let tries = 0; tries < 300; tries += 1) {
      if (this.process.exitCode !== null) throw new Error(`herald ended:\n${this.log}`);
      try {
        return void (await fetch(this.url));
      } catch {
        await pause(100);
      }
    }
    throw new Error("herald does not answer");
  }

  /** Kills the process as a crash does. */
  async kill() {
    this.process.kill("SIGKILL");
    await this.ended;
  }

  async stop() {
    if (!this.process || this.process.exitCode !== null || this.process.signalCode) return;
    this.process.kill("SIGTERM");
    const late = setTimeout(() => this.process.kill("SIGKILL"), 10_000);
    await this.ended;
    clearTimeout(late);
  }

  async act(action) {
    const answer = await fetch(`${this.url}/chat/act`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(action) });
    if (!answer.ok) throw new Error(`${action.act}: ${answer.status}`);
    return answer.json();
  }

  /** Returns everything that a new page receives. */
  async get(path = "/chat/log") {
    return (await fetch(this.url + path)).json();
  }

  /** Returns the activities that were delivered to the agent. */
  async delivered() {
    return (await this.get()).exchanges.filter((one) => one.way === "in").map((one) => one.activity);
  }

  /** Sends a card to everybody. */
  async broadcast(card) {
    mkdirSync(this.state, { recursive: true });
    const file = `${this.state}/broadcast.json`;
    const event = { version: 1, notification: "cards", key: `cards-${Date.now()}`, audience: { kind: "everyone" }, content: { card, summary: "A card" } };
    writeFileSync(file, JSON.stringify(event));
    await promisify(execFile)(this.binary, ["broadcast", "start", file, "--state", this.state]);
  }

  /** Returns the memory of the process in megabytes. */
  memory() {
    const status = readFileSync(`/proc/${this.process.pid}/status`, "utf8");
    return Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1024;
  }
}

export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Returns a port that is free now. */
function freePort() {
  const server = net.createServer();
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  }));
}
