// Until when a silence holds: the choices that people make at the keyboard, as moments.

export const CHOICES = { "1h": "1 hour", "4h": "4 hours", monday: "until Monday", custom: "custom" } as const;
export type Choice = keyof typeof CHOICES;

/** When the working week begins, for who says "until Monday". */
const MONDAY_HOUR = 8;
/** The server's limit. */
export const LONGEST_MS = 90 * 86_400_000;
/** And for a silence that recurs. */
export const LONGEST_RECURRING_MS = 366 * 86_400_000;

/** The next Monday at eight after `now`, in the reader's zone or in UTC. */
export function nextMonday(now: number, utc: boolean): number {
  const day = new Date(now);
  if (utc) {
    const ahead = (8 - day.getUTCDay()) % 7;
    const at = Date.UTC(day.getUTCFullYear(), day.getUTCMonth(), day.getUTCDate() + ahead, MONDAY_HOUR);
    return at > now ? at : at + 7 * 86_400_000;
  }
  const ahead = (8 - day.getDay()) % 7;
  // The calendar counts days and not hours: the clocks may change before then.
  const on = (days: number) => new Date(day.getFullYear(), day.getMonth(), day.getDate() + days, MONDAY_HOUR).getTime();
  return on(ahead) > now ? on(ahead) : on(ahead + 7);
}

/** The end of a choice in milliseconds; `custom` is what a field of date and time says. Null: not usable. */
export function endOf(
  choice: Choice,
  custom: string,
  now: number,
  utc: boolean,
  longest: number = LONGEST_MS,
): number | null {
  switch (choice) {
    case "1h":
      return now + 3_600_000;
    case "4h":
      return now + 4 * 3_600_000;
    case "monday":
      return nextMonday(now, utc);
    case "custom": {
      const at = Date.parse(utc && custom !== "" ? `${custom}Z` : custom);
      return Number.isFinite(at) && at > now && at - now <= longest ? at : null;
    }
  }
}

/** A moment as a field of date and time takes it. */
export function fieldValue(at: number, utc: boolean): string {
  const offset = utc ? 0 : new Date(at).getTimezoneOffset() * 60_000;
  return new Date(at - offset).toISOString().slice(0, 16);
}
