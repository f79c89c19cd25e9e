// Times, durations and short names.

const two = (number) => String(number).padStart(2, "0");

/** Returns the local time of day, e.g. 09:05. */
export function clockTime(moment) {
  const date = new Date(moment);
  return `${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** Returns the local time of day with milliseconds. */
export function exactTime(moment) {
  const date = new Date(moment);
  return `${clockTime(date)}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

/** Returns the local day, e.g. Sunday 29 November. */
export const day = (moment) => new Date(moment).toLocaleDateString("en-GB", { weekday: "long", day: "numeric", month: "long" });

/** Returns the local day and time. */
export const dayTime = (moment) => `${new Date(moment).toLocaleDateString("en-GB", { day: "numeric", month: "short" })}, ${clockTime(moment)}`;

/** Returns a duration in milliseconds as text, e.g. `8 s` or `2 days`. */
export function duration(milliseconds) {
  const seconds = milliseconds / 1000;
  if (seconds < 1) return `${Math.max(0, Math.round(milliseconds))} ms`;
  if (seconds < 10) return `${seconds.toFixed(1).replace(/\.0$/, "")} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

/** Returns how often: once, twice, 3 times. */
export const times = (count) => (count === 1 ? "once" : count === 2 ? "twice" : `${count} times`);

/** Returns the first digits of an id. */
export const short = (id) => String(id).slice(0, 6);

/** Returns a text without the tags of mentions and quotes. */
export const untagged = (text) => text.replace(/<at>([^<]*)<\/at>/g, "@$1").replace(/<quoted [^>]*\/>\s*/g, "");

/** Returns a text of at most `most` characters. */
export const brief = (text, most = 80) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
