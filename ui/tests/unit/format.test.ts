import { describe, expect, test } from "vitest";
import { digits, micros, plural, quantity } from "../../src/format/number.ts";
import { absolute, age, clock, duration, relative } from "../../src/format/time.ts";

const NOON = Date.UTC(2026, 10, 22, 12, 0, 0);

describe("durations", () => {
  test.each([
    [0, "0ms"],
    [182, "182ms"],
    [1_500, "1.5s"],
    [42_000, "42s"],
    [60_000, "1m"],
    [185_000, "3m 5s"],
    [3_600_000, "1h"],
    [3_605_000, "1h"],
    [7_800_000, "2h 10m"],
    [359_999_600, "4d 4h"],
    [Number.NaN, "–"],
  ])("%d milliseconds read as %s", (ms, text) => expect(duration(ms)).toBe(text));

  test("an age never runs backwards when clocks disagree", () => {
    expect(age(NOON + 5_000, NOON)).toBe("< 1s");
    expect(age(NOON - 742_900, NOON)).toBe("12m 22s");
  });

  test("a moment is in the past, in the future or now", () => {
    expect(relative(NOON - 300_000, NOON)).toBe("5m ago");
    expect(relative(NOON + 42_000, NOON)).toBe("in 42s");
    expect(relative(NOON - 1_000, NOON)).toBe("just now");
  });

  test("absolute times name their zone, and an unreadable one does not throw", () => {
    expect(absolute(NOON + 1_500, true)).toBe("2026-11-22 12:00:01 UTC");
    expect(clock(NOON + 7, true, true)).toBe("12:00:00.007");
    expect(absolute(Date.parse("tomorrow"), true)).toBe("–");
  });
});

describe("quantities", () => {
  test.each([
    [0.412, "ratio", "41.2 %"],
    [0.05, "ratio", "5 %"],
    [0.0123, "seconds", "12.3 ms"],
    [5.01, "seconds", "5.01 s"],
    [0, "seconds", "0 s"],
    [1_536, "bytes", "1.5 KiB"],
    [23, null, "23"],
    [18_230, null, "18.2k"],
    [-2_500_000, null, "-2.5M"],
    [0.00001, null, "1.0e-5"],
    [Number.POSITIVE_INFINITY, null, "+infinity"],
    [Number.NaN, null, "not a number"],
    [null, "ratio", "–"],
  ])("%s in %s reads as %s", (value, unit, text) => expect(quantity(value, unit)).toBe(text));

  test("small helpers", () => {
    expect(digits(1_234.5)).toBe("1235");
    expect(micros(312)).toBe("312 µs");
    expect(micros(null)).toBe("–");
    expect([plural(1, "alert"), plural(2, "alert"), plural(0, "series", "series")]).toEqual([
      "1 alert",
      "2 alerts",
      "0 series",
    ]);
  });
});
