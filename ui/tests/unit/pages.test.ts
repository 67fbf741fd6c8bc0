import { describe, expect, test } from "vitest";
import { asApiError, problemFrom } from "../../src/api/problem.ts";
import type { Span } from "../../src/api/types.ts";
import { nextSteps } from "../../src/pages/incident/steps.ts";
import { arrangeMap, columns } from "../../src/pages/map/layout.ts";
import { hasDoubts, verdict } from "../../src/pages/now/verdict.ts";
import { matcherLines, matchersFor, matchersForAll } from "../../src/pages/silence/matchers.ts";
import { endOf, fieldValue, nextMonday } from "../../src/pages/silence/until.ts";
import { firstQuery, unitOf } from "../../src/pages/telemetry/metrics.ts";
import { arrange } from "../../src/pages/telemetry/waterfall.ts";
import { actorWord, stateLook } from "../../src/parts/words.ts";
import { world } from "../fixtures/world.ts";

const span = (span_id: string, parent_span_id: string | undefined, offset_us: number): Span => ({
  ...(world(0).trace.spans[0] as Span),
  span_id,
  parent_span_id,
  offset_us,
  duration_us: 10,
  status: "unset",
});
const order = (spans: Span[]) => arrange(spans).rows.map((row) => `${"-".repeat(row.depth)}${row.span.span_id}`);

describe("the map of services", () => {
  const timing = { calls: 1, errors: 0, rate: 1, p50_ms: 1, p95_ms: 1 };
  const nodes = (names: string) => [...names].map((name) => ({ name, kind: "service" as const, timing }));
  const edges = (...pairs: string[]) => pairs.map((pair) => ({ from: pair[0] ?? "", to: pair[1] ?? "", timing }));
  const placed = (names: string, ...pairs: string[]) => Object.fromEntries(columns(nodes(names), edges(...pairs)));

  test("whoever calls stands to the left, by the longest way", () => {
    expect(placed("dcba", "ab", "bc", "ac", "cd")).toEqual({ a: 0, b: 1, c: 2, d: 3 });
  });

  test("a circle, a call to itself and an unknown end have a place and an end", () => {
    expect(placed("abc", "ab", "bc", "cb")).toEqual({ a: 0, b: 1, c: 2 });
    expect(placed("ab", "ab", "ba")).toEqual({ a: 0, b: 1 });
    expect(placed("a", "aa", "ax")).toEqual({ a: 0 });
    expect(arrangeMap(nodes("a"), edges("aa", "ax")).lines).toHaveLength(1);
  });

  test("no two nodes stand on the same place", () => {
    const { nodes: all, width, height } = arrangeMap(nodes("abcdefg"), edges("ab", "ac", "ad", "be", "ce", "de", "ef"));
    expect(new Set(all.map(({ x, y }) => `${x} ${y}`)).size).toBe(7);
    for (const { x, y } of all) expect(x >= 0 && y >= 0 && x < width && y < height).toBe(true);
  });
});

describe("the waterfall", () => {
  test("children stand under their parent, by their start", () => {
    expect(order([span("c", "a", 9), span("a", undefined, 0), span("b", "a", 3), span("d", "b", 4)])).toEqual([
      "a",
      "-b",
      "--d",
      "-c",
    ]);
  });

  test("orphans stand at the root; loops and spans that are their own parent are shown once", () => {
    expect(order([span("x", "gone", 5), span("self", "self", 1)])).toEqual(["self", "x"]);
    expect(order([span("p", "q", 0), span("q", "p", 1)]).toSorted()).toEqual(["-q", "p"]);
  });

  test("a span that began before the first one widens the whole, and no span is an empty whole", () => {
    expect(arrange([span("a", undefined, 0), span("early", "a", -50)])).toMatchObject({ start: -50, total: 60 });
    expect(arrange([])).toMatchObject({ rows: [], total: 1 });
  });
});

describe("silences", () => {
  test("a silence for one alert names all its labels, with quotes escaped", () => {
    expect(matchersFor({ name: "Down", labels: { path: 'C:\\a "b"\nc' } })).toEqual([
      'alertname="Down"',
      'path="C:\\\\a \\"b\\"\\nc"',
    ]);
  });
  test("one silence for many names what all of them have, and the values that occur", () => {
    const alert = (name: string, labels: Record<string, string>) => ({ name, labels });
    expect(
      matchersForAll([
        alert("Slow", { service: "a.b", env: "prod", pod: "1" }),
        alert("Down", { service: "c", env: "prod" }),
      ]),
    ).toEqual(['alertname=~"Down|Slow"', 'service=~"a\\\\.b|c"', 'env="prod"']);
    expect(matchersForAll([])).toEqual([]);
    const many = Array.from({ length: 25 }, (_, n) => alert("Down", { pod: String(n) }));
    expect(matchersForAll(many)).toEqual(['alertname="Down"']);
  });
  test("until Monday is the next Monday at eight, however the clocks change before it", () => {
    const utc = (text: string) => new Date(nextMonday(Date.parse(text), true)).toISOString();
    expect(utc("2026-11-26T12:00:00Z")).toBe("2026-11-30T08:00:00.000Z");
    expect(utc("2026-11-30T07:59:59Z")).toBe("2026-11-30T08:00:00.000Z");
    expect(utc("2026-11-30T08:00:00Z")).toBe("2026-12-07T08:00:00.000Z");
    const local = new Date(nextMonday(new Date(2026, 9, 23, 12).getTime(), false));
    expect([local.getDay(), local.getHours(), local.getDate()]).toEqual([1, 8, 26]);
  });
  test("a custom end is a moment ahead, within what the server takes", () => {
    const now = Date.parse("2026-11-26T12:00:00Z");
    expect(endOf("custom", "2026-11-27T12:00", now, true)).toBe(now + 86_400_000);
    for (const bad of ["", "nonsense", "2026-11-26T11:00", "2027-03-01T00:00"])
      expect(endOf("custom", bad, now, true)).toBeNull();
    expect(fieldValue(now, true)).toBe("2026-11-26T12:00");
    expect(endOf("custom", fieldValue(now + 3_600_000, false), now, false)).toBe(now + 3_600_000);
    expect(endOf("4h", "", now, true)).toBe(now + 14_400_000);
  });
  test("empty lines are no matchers", () => expect(matcherLines(' a="1" \n\n  \nb!="2"')).toEqual(['a="1"', 'b!="2"']));
});

describe("metrics", () => {
  test("the first query fits the kind", () => {
    expect(firstQuery({ name: "x_total", kind: "counter" })).toBe("sum(rate(x_total[5m]))");
    expect(firstQuery({ name: "x_seconds", kind: "histogram" })).toContain("sum by (le) (rate(x_seconds_bucket[5m]))");
    expect(firstQuery({ name: "x", kind: "gauge" })).toBe("x");
  });
  test.each([
    ["process_resident_memory_bytes", "bytes"],
    ["histogram_quantile(0.95, sum by (le) (rate(x_seconds_bucket[5m])))", "seconds"],
    ["rate(x_seconds_count[5m])", null],
    ["rate(process_cpu_seconds_total[5m])", null],
    ["a_bytes / b_bytes", null],
    ["up", null],
  ])("the unit of %s is %s", (expr, unit) => expect(unitOf(expr)).toBe(unit));
});

describe("problems", () => {
  test("the server's code and detail survive, also in Prometheus's form", () => {
    expect(problemFrom(409, { code: "WK2004", title: "T", detail: "D" })).toMatchObject({
      code: "WK2004",
      detail: "D",
      status: 409,
    });
    expect(problemFrom(400, { status: "error", errorType: "bad_data", error: "parse error" })).toMatchObject({
      code: "bad_data",
      detail: "parse error",
    });
  });
  test("an answer from something else, and no answer, are told apart", () => {
    expect(problemFrom(502, "<html>").code).toBe("HTTP 502");
    expect(asApiError(new TypeError("Failed to fetch")).code).toBe("NETWORK");
  });
});

test("an incident goes forward only", () => {
  expect(nextSteps("triggered")).toEqual(["acknowledge", "mitigate", "resolve"]);
  expect(nextSteps("resolved")).toEqual(["close"]);
  expect(nextSteps("closed")).toEqual([]);
});

test("a state that this console does not know is shown by its own word", () => {
  expect(stateLook("half_open").word).toBe("half open");
  expect([actorWord("system"), actorWord("user:slack/U1"), actorWord("rule:a/B")]).toEqual([
    "Watchkeeper",
    "slack/U1",
    "rule a/B",
  ]);
});

describe("silence alone is never well", () => {
  const calm = world(0).overview("calm");
  test("all checked and nothing open is well", () => {
    expect(verdict(calm)).toBe("well");
    expect(hasDoubts(calm)).toBe(false);
  });
  test.each([
    ["a rule that could not be evaluated", { unknown_rules: world(0).rules.slice(0, 1) }],
    ["a receiver that fails", { failing_receivers: world(0).receivers.slice(0, 1) }],
    ["a probe that did not run", { probes: { up: 3, down: 0, unknown: 1 } }],
    ["a probe that is down without an alert", { probes: { up: 3, down: 1, unknown: 0 } }],
    ["telemetry that stopped", { last_telemetry_at: new Date(-600_000).toISOString() }],
  ])("%s is doubtful", (_, over) => expect(verdict({ ...calm, ...over })).toBe("doubtful"));
  test("no rule, or no telemetry ever, is not well either", () => {
    expect(verdict({ ...calm, rules_total: 0 })).toBe("unwatched");
    expect(verdict({ ...calm, last_telemetry_at: undefined })).toBe("blind");
  });
  test("an open incident is trouble whatever else", () =>
    expect(verdict(world(0).overview("trouble"))).toBe("trouble"));
});
