import { describe, expect, test } from "vitest";
import { onCallSearch } from "../../src/pages/oncall/search.ts";
import {
  colourOf,
  fromField,
  midnight,
  monday,
  picked,
  STEP,
  toField,
  weeksFrom,
  within,
} from "../../src/pages/oncall/timeline.ts";

const at = (text: string) => Date.parse(text);
const WEDNESDAY = at("2026-11-25T13:10:00Z");

describe("the on-call calendar", () => {
  test("a week begins on the Monday on or before, also when it is Monday or Sunday", () => {
    for (const day of ["2026-11-23T00:00:00Z", "2026-11-25T13:10:00Z", "2026-11-29T23:59:59Z"]) {
      expect(monday(at(day), true)).toBe(at("2026-11-23T00:00:00Z"));
    }
    expect(midnight(at("2026-11-30T10:00:00Z"), 1, true)).toBe(at("2026-12-01T00:00:00Z"));
  });

  test("weeks follow each other without a gap and have seven days", () => {
    const weeks = weeksFrom(monday(WEDNESDAY, true), 3, true);
    expect(weeks.map((week) => week.days.length)).toEqual([7, 7, 7]);
    expect(weeks[1]?.from).toBe(weeks[0]?.until);
    expect(weeks[2]?.until).toBe(at("2026-12-14T00:00:00Z"));
  });

  test("a stretch lies in a week where it belongs, cut to it, or nowhere", () => {
    const week = { from: 0, until: 100 };
    expect(within({ from: 25, until: 75 }, week)).toEqual({ left: 25, width: 50 });
    expect(within({ from: -10, until: 10 }, week)).toEqual({ left: 0, width: 10 });
    expect(within({ from: 100, until: 110 }, week)).toBeNull();
  });

  test("what is dragged is whole half hours, in both directions, within the week", () => {
    const week = { from: 0, until: 336 * STEP };
    const [a, b] = [10.2 / 336, 20.4 / 336];
    expect(picked(week, a, b)).toEqual({ from: 10 * STEP, until: 21 * STEP });
    expect(picked(week, b, a)).toEqual(picked(week, a, b));
    expect(picked(week, 0.999, 7)).toEqual({ from: 335 * STEP, until: 336 * STEP });
    expect(picked(week, 0, 0)).toEqual({ from: 0, until: STEP });
  });

  test("a field gives back the moment that it shows", () => {
    for (const utc of [true, false]) {
      expect(fromField(toField(at("2026-11-25T13:10:00Z"), utc), utc)).toBe(at("2026-11-25T13:10:00Z"));
    }
    expect(fromField("", true)).toBeNull();
  });

  test("a person has the same colour everywhere", () => expect(colourOf("alice")).toBe(colourOf("alice")));

  test("the address holds only what the page understands", () => {
    expect(onCallSearch({ schedule: "payments", week: "2026-11-23", weeks: "4", new: "1", more: "x" })).toEqual({
      schedule: "payments",
      week: "2026-11-23",
      weeks: "4",
      new: "1",
    });
    expect(onCallSearch({ week: "soon", weeks: "5000" })).toEqual({});
  });
});
