// Moments and durations as people read them. Pure: what "now" is comes in from outside.

const UNITS: readonly [seconds: number, letter: string][] = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "m"],
  [1, "s"],
];

/** A length of time with at most two units: `42s`, `3m 05s`, `2h 10m`, `4d 3h`. */
export function duration(milliseconds: number): string {
  if (!Number.isFinite(milliseconds)) return "–";
  const abs = Math.abs(milliseconds);
  if (abs < 1_000) return `${trim(abs)}ms`;
  if (abs < 10_000) return `${trim(abs / 1_000)}s`;
  let rest = Math.round(abs / 1_000);
  const parts: string[] = [];
  for (const [seconds, letter] of UNITS) {
    const count = Math.floor(rest / seconds);
    rest -= count * seconds;
    if (count > 0) parts.push(`${count}${letter}`);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.join(" ");
}

function trim(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(1).replace(/\.0$/, "");
}

/** How long ago, or how soon: `just now`, `5m ago`, `in 20s`. */
export function relative(at: number, now: number): string {
  const difference = now - at;
  if (Math.abs(difference) < 2_000) return "just now";
  const length = duration(Math.floor(Math.abs(difference) / 1_000) * 1_000);
  return difference > 0 ? `${length} ago` : `in ${length}`;
}

/** How long something has lasted, coarse enough not to flicker: `< 1s`, `12m 30s`. */
export function age(since: number, now: number): string {
  const length = Math.max(0, now - since);
  return length < 1_000 ? "< 1s" : duration(Math.floor(length / 1_000) * 1_000);
}

/** A moment as `2026-11-22 19:40:58` in UTC or in the reader's zone, with the zone named. */
export function absolute(at: number, utc: boolean): string {
  if (!Number.isFinite(at)) return "–";
  return `${clockDate(at, utc)} ${clock(at, utc)} ${utc ? "UTC" : zoneName(at)}`;
}

/** The time of day, `19:40:58`. */
export function clock(at: number, utc: boolean, withMillis = false): string {
  const d = new Date(at);
  const [h, m, s] = utc
    ? [d.getUTCHours(), d.getUTCMinutes(), d.getUTCSeconds()]
    : [d.getHours(), d.getMinutes(), d.getSeconds()];
  const base = [h, m, s].map((n) => String(n).padStart(2, "0")).join(":");
  return withMillis ? `${base}.${String(d.getUTCMilliseconds()).padStart(3, "0")}` : base;
}

/** The day, `2026-11-22`. */
export function clockDate(at: number, utc: boolean): string {
  const d = new Date(at);
  const [y, m, day] = utc
    ? [d.getUTCFullYear(), d.getUTCMonth() + 1, d.getUTCDate()]
    : [d.getFullYear(), d.getMonth() + 1, d.getDate()];
  return `${y}-${String(m).padStart(2, "0")}-${String(day).padStart(2, "0")}`;
}

function zoneName(at: number): string {
  const part = new Intl.DateTimeFormat("en-GB", { timeZoneName: "short" })
    .formatToParts(at)
    .find((p) => p.type === "timeZoneName");
  return part?.value ?? "local";
}
