// An exchange as a command line of curl, without a token.

import { store } from "./store.js";

const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;

export function curl(exchange) {
  const { way, method = "POST", path, activity, parameters } = exchange;
  const url = way === "in" ? store.settings.endpoint : `${store.settings.origin}${path}`;
  const body = parameters ?? activity;
  const lines = [`curl -X ${method} ${quote(url)}`, `-H "Authorization: Bearer $TOKEN"`];
  if (body) lines.push("-H 'Content-Type: application/json'", `-d ${quote(JSON.stringify(body))}`);
  return lines.join(" \\\n  ");
}
