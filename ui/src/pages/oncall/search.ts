// What the query string of the on-call page means.

import type { RawSearch } from "../../url/search.ts";

export type OnCallSearch = { schedule?: string; week?: string; weeks?: string; new?: string };

const text = (raw: RawSearch, key: string) => {
  const value = raw[key];
  return typeof value === "string" && value !== "" ? value.slice(0, 200) : undefined;
};

export function onCallSearch(raw: RawSearch): OnCallSearch {
  const week = text(raw, "week");
  const weeks = text(raw, "weeks");
  return {
    schedule: text(raw, "schedule"),
    week: week && Number.isFinite(Date.parse(week)) ? week : undefined,
    weeks: weeks && ["1", "2", "4", "8"].includes(weeks) ? weeks : undefined,
    new: text(raw, "new"),
  };
}
