import { describe, expect, test } from "vitest";
import { labelsOf } from "../../src/pages/routing/labels.ts";
import { recurrenceOf, recurs } from "../../src/pages/silence/recurrence.ts";
import { endOf, LONGEST_RECURRING_MS } from "../../src/pages/silence/until.ts";

describe("telling people", () => {
  test("labels are read as people write them, and what is none is left out", () => {
    const text = 'severity=critical, service="payments"\nurl=https://a/?b=c\n=x\nnothing\nempty=\n';
    expect(labelsOf(text)).toEqual({ severity: "critical", service: "payments", url: "https://a/?b=c" });
  });

  test("a silence recurs when days or times are chosen, by the reader's clock", () => {
    expect(recurrenceOf([], " , ", true)).toBeUndefined();
    expect(recurrenceOf(["sunday"], "22:00-24:00, 00:00-06:00", true)).toEqual({
      weekdays: ["sunday"],
      times: ["22:00-24:00", "00:00-06:00"],
      time_zone: "UTC",
    });
    expect(recurs({ weekdays: ["sunday"], times: ["02:00-04:00"], time_zone: "Europe/Zurich" })).toBe(
      "sunday 02:00-04:00 (Europe/Zurich)",
    );
    expect(recurs({ days_of_month: ["1", "-1"] })).toBe("day 1 of the month, day -1 of the month (UTC)");
  });

  test("one that recurs may last for a year, another one may not", () => {
    const now = Date.parse("2026-11-26T12:00:00Z");
    expect(endOf("custom", "2027-10-01T00:00", now, true)).toBeNull();
    expect(endOf("custom", "2027-10-01T00:00", now, true, LONGEST_RECURRING_MS)).toBe(Date.parse("2027-10-01T00:00Z"));
  });
});
