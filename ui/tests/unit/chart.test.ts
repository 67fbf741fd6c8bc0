import { describe, expect, test } from "vitest";
import {
  align,
  distinctNames,
  describe as inWords,
  matrixToLines,
  seriesName,
  shade,
  valueRange,
} from "../../src/chart/transform.ts";

describe("lines", () => {
  test("a matrix becomes lines; missing steps and values that are no numbers become gaps", () => {
    const data = {
      resultType: "matrix",
      result: [
        {
          metric: { __name__: "up", job: "a" },
          values: [
            [10, "1"],
            [20, "2"],
            [50, "+Inf"],
            [60, "NaN"],
            [70, "3.5"],
          ],
        },
      ],
    };
    expect(matrixToLines(data, 10_000)).toEqual([
      {
        name: 'up{job="a"}',
        points: [
          [10_000, 1],
          [20_000, 2],
          [30_000, null],
          [50_000, null],
          [60_000, null],
          [70_000, 3.5],
        ],
      },
    ]);
  });

  test.each([undefined, null, {}, { result: "x" }, { resultType: "scalar", result: [1, "2"] }])(
    "%j has no line",
    (data) => {
      expect(matrixToLines(data, 1_000)).toEqual([]);
    },
  );

  test("lines with different times share one ascending axis", () => {
    const lines = [
      {
        name: "a",
        points: [
          [3_000, 3],
          [1_000, 1],
        ] as [number, number][],
      },
      {
        name: "b",
        points: [
          [2_000, null],
          [3_000, 30],
        ] as [number, number | null][],
      },
    ];
    expect(align(lines)).toEqual([
      [1, 2, 3],
      [1, undefined, 3],
      [undefined, null, 30],
    ]);
  });

  test("a legend tells what sets the lines apart", () => {
    const shared = { __name__: "http_total", env: "prod" };
    expect(
      distinctNames([
        { ...shared, code: "200" },
        { ...shared, code: "500" },
      ]),
    ).toEqual(['{code="200"}', '{code="500"}']);
    expect(distinctNames([{ ...shared }])).toEqual(['http_total{env="prod"}']);
    expect(seriesName({})).toBe("value");
  });
});

describe("spans", () => {
  const window = { start: 1_000, end: 9_000 };
  const at = (ms: number) => new Date(ms).toISOString();

  test("spans are cut to the window, what lasts ends with it, resolved is not shaded", () => {
    expect(
      shade(
        [
          { state: "pending", start: at(0), end: at(2_000) },
          { state: "firing", start: at(5_000) },
          { state: "resolved", start: at(2_000), end: at(5_000) },
          { state: "unknown", start: at(9_500), end: at(9_900) },
        ],
        window,
      ),
    ).toEqual([
      { state: "pending", start: 1_000, end: 2_000 },
      { state: "firing", start: 5_000, end: 9_000 },
    ]);
  });
});

describe("the value axis", () => {
  test("shows the threshold even when every value is far from it", () => {
    const [low, high] = valueRange([0.01, 0.02], 0.5);
    expect(low).toBe(0);
    expect(high).toBeGreaterThan(0.5);
  });

  test("survives no value, one value and equal values", () => {
    expect(valueRange([])).toEqual([0, 1]);
    expect(valueRange([0])).toEqual([0, 1]);
    expect(valueRange([5, 5])).toEqual([0, 6]);
    expect(valueRange([-5])).toEqual([-6, 0]);
  });

  test("values far from zero keep their detail", () => {
    const [low] = valueRange([1_000, 1_010]);
    expect(low).toBeGreaterThan(990);
  });
});

test("the chart is told in words to those who do not see it", () => {
  const line = {
    name: "payments",
    points: [
      [0, 0.4],
      [1, null],
    ] as [number, number | null][],
  };
  const spans = [{ state: "firing" as const, start: 0, end: 120_000 }];
  expect(inWords("Errors", [line], spans, String, 0.05)).toBe(
    "Errors: payments is at 0.4, threshold 0.05, firing for 2m.",
  );
  expect(inWords("Errors", [], [], String)).toBe("Errors: no data in this window.");
});
