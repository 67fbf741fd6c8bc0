// Weeks, and where a stretch of time lies in them. Pure: the moments and the zone come in from outside.

import { clock, clockDate } from "../../format/time.ts";

export type Stretch = { from: number; until: number };
/** A week, from Monday to Monday by the clock on the wall: an hour shorter or longer over a daylight change. */
export type Week = Stretch & { days: number[] };

/** Dragging and typing go by steps of this length. */
export const STEP = 30 * 60_000;

/** Midnight of a day that lies so many days after the day of a moment. */
export function midnight(at: number, days: number, utc: boolean): number {
  const d = new Date(at);
  return utc
    ? Date.UTC(d.getUTCFullYear(), d.getUTCMonth(), d.getUTCDate() + days)
    : new Date(d.getFullYear(), d.getMonth(), d.getDate() + days).getTime();
}

/** The Monday on or before a moment. */
export function monday(at: number, utc: boolean): number {
  const day = utc ? new Date(at).getUTCDay() : new Date(at).getDay();
  return midnight(at, -((day + 6) % 7), utc);
}

export function weeksFrom(start: number, count: number, utc: boolean): Week[] {
  return Array.from({ length: count }, (_, week) => {
    const day = (n: number) => midnight(start, week * 7 + n, utc);
    return { from: day(0), until: day(7), days: Array.from({ length: 7 }, (_, n) => day(n)) };
  });
}

/** Where a stretch lies in a week, in hundredths of its width; none: outside. */
export function within(part: Stretch, week: Stretch): { left: number; width: number } | null {
  const from = Math.max(part.from, week.from);
  const until = Math.min(part.until, week.until);
  if (from >= until) return null;
  const length = week.until - week.from;
  return { left: ((from - week.from) / length) * 100, width: ((until - from) / length) * 100 };
}

/** What was picked by going from one place of a week to another (0 to 1), widened to whole steps. */
export function picked(week: Stretch, a: number, b: number): Stretch {
  const at = (share: number) => (week.until - week.from) * Math.min(1, Math.max(0, share));
  const from = Math.floor(at(Math.min(a, b)) / STEP) * STEP;
  const until = Math.max(Math.ceil(at(Math.max(a, b)) / STEP) * STEP, from + STEP);
  return { from: week.from + from, until: Math.min(week.from + until, week.until) };
}

/** `2026-11-23T09:00`, as fields for dates and times have it. */
export function toField(at: number, utc: boolean): string {
  return `${clockDate(at, utc)}T${clock(at, utc).slice(0, 5)}`;
}

export function fromField(text: string, utc: boolean): number | null {
  const at = Date.parse(utc ? `${text}Z` : text);
  return Number.isFinite(at) ? at : null;
}

const COLOURS = ["blue", "teal", "grape", "orange", "cyan", "pink", "lime", "indigo"];

/** A person's colour: the same on every page, whoever else is there. */
export function colourOf(person: string): string {
  let sum = 0;
  for (const letter of person) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 65_521;
  return COLOURS[sum % COLOURS.length] as string;
}
