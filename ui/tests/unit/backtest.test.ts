import { describe, expect, test } from "vitest";
import { asked, bandLines, holdText, nearest, ownChoice, spans, withThreshold } from "../../src/pages/backtest/run.ts";
import { backtest } from "../fixtures/backtest.ts";

const report = backtest(Date.parse("2026-11-22T12:00:00Z")).report;
if (!report?.candidate.exploration || !report.band) throw new Error("the fixture has a report");
const { candidate, band } = report;
const explored = candidate.exploration ?? { thresholds: [], holds_seconds: [], cells: [] };

describe("a backtest's page", () => {
  test("an address without a rule and without an expression asks for nothing", () => {
    expect(asked({})).toBeNull();
    expect(asked({ expr: "  " })).toBeNull();
    expect(asked({ rule: "g/A", for: "5m" })).toMatchObject({ rule: "g/A", for: "5m", since: "7d", expr: undefined });
  });

  test("alerts that were on at the same time are one shade, and what is unknown is another", () => {
    const shaded = spans(candidate);
    expect(shaded.filter((span) => span.state === "firing")).toHaveLength(2);
    expect(shaded.filter((span) => span.state === "unknown")).toHaveLength(1);
  });

  test("lengths of time are written as rules write them", () => {
    expect([0, 45, 60, 90, 3_600, 90_000].map(holdText)).toEqual(["0s", "45s", "1m", "1m30s", "1h", "1d1h"]);
  });

  test("the rule's own setting is found among those that were tried, and the nearest one to a drag", () => {
    expect(ownChoice(candidate, explored)).toEqual({ threshold: 3, hold: 2 });
    expect(explored.thresholds[nearest(explored, 0.074)]).toBe(0.08);
  });

  test("another threshold makes another expression", () => {
    expect(withThreshold(candidate, 0.08)).toMatch(/ > 0\.08$/);
    expect(withThreshold({ ...candidate, comparison: undefined }, 0.08)).toBe(candidate.expr);
  });

  test("a band is three lines a series, of which two are its edges", () => {
    const { lines, bands } = bandLines(band);
    expect(lines.map((line) => line.name)).toEqual([
      '{service="payments"}',
      '{service="payments"} at most',
      '{service="payments"} at least',
    ]);
    expect(bands).toEqual([[1, 2]]);
  });
});
