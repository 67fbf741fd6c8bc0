// The times of a silence that recurs: from the form's fields to the API's, and to words.

import type { components } from "../../api/schema.gen.ts";

type Times = components["schemas"]["SilenceTimes"];

export const DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/** None when neither days nor times are chosen. The zone is the reader's, unless they read in UTC. */
export function recurrenceOf(days: string[], times: string, utc: boolean): Times | undefined {
  const parts = times
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  if (days.length === 0 && parts.length === 0) return undefined;
  const time_zone = utc ? "UTC" : Intl.DateTimeFormat().resolvedOptions().timeZone;
  return { weekdays: days, times: parts, time_zone };
}

/** As a table says it. */
export function recurs({ weekdays, days_of_month, months, times, time_zone }: Times): string {
  const words = [weekdays, days_of_month?.map((day) => `day ${day} of the month`), months, times];
  const said = words.filter((part) => part && part.length > 0).map((part) => part?.join(", "));
  return `${said.join(" ")} (${time_zone ?? "UTC"})`;
}
