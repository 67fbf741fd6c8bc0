import { describe, expect, test } from "vitest";
import { externalLink, internalPath, objectPath } from "../../src/url/safeLink.ts";
import {
  incidentSearch,
  logsSearch,
  parseSearch,
  resolveRange,
  stepFor,
  stringifySearch,
} from "../../src/url/search.ts";

describe("what may become a link", () => {
  test.each(["https://bank.example/runbook?x=1", "http://10.0.0.1:8080/"])("%s may", (text) =>
    expect(externalLink(text)).toBe(new URL(text).href),
  );

  test.each([
    "javascript:alert(1)",
    " javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,<script>1</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "//evil.example/x",
    "/alerts",
    "runbook",
    "",
    `https://x.example/${"a".repeat(3_000)}`,
  ])("%j may not", (text) => expect(externalLink(text)).toBeNull());

  test("a path of the console stays in the console", () => {
    expect(internalPath("/telemetry/logs?service=a")).toBe("/telemetry/logs?service=a");
    for (const text of [
      "//evil.example",
      "/\\evil.example",
      "https://evil.example",
      "javascript:1",
      "/api/watchkeeper/v1/me",
      "/../api/x",
      "",
    ]) {
      expect(internalPath(text), text).toBeNull();
    }
  });
});

test("an id leads to its object's page, and what only looks like one to none", () => {
  expect(objectPath("alr_0193000000007000800000000000000a")).toBe("/alerts/alr_0193000000007000800000000000000a");
  for (const text of ["sil_01930000000070008000000000000001", "alr_../../x", "javascript:1", "rule/x", "con_", ""])
    expect(objectPath(text), text).toBeNull();
});

describe("the address is the state", () => {
  test("an id of digits alone stays text, and so does 1e5", () => {
    const search = { trace_id: "10000000000000000000000000000000", q: "1e5", service: "a&b=c" };
    expect(logsSearch(parseSearch(stringifySearch(search)))).toEqual({ ...logsSearch({}), ...search });
  });

  test("what is not set does not appear", () => {
    expect(stringifySearch({ q: undefined, state: "", tab: null })).toBe("");
    expect(stringifySearch({ q: "ü 1" })).toBe("?q=%C3%BC+1");
  });

  test("an unknown tab is no tab", () => {
    expect(incidentSearch({ tab: "<script>" }).tab).toBeUndefined();
    expect(incidentSearch({ tab: "post-mortem" }).tab).toBe("post-mortem");
  });

  test("a chosen range is fixed, a named one moves, nonsense is the last hour", () => {
    const now = 1_000_000_000;
    expect(resolveRange({ from: "5", to: "9" }, now)).toEqual({ start: 5, end: 9, live: false });
    expect(resolveRange({ range: "5m" }, now)).toEqual({ start: now - 300_000, end: now, live: true });
    for (const bad of [{ from: "9", to: "5" }, { from: "x", to: "y" }, { range: "2y" }, { range: "constructor" }]) {
      expect(resolveRange(bad, now)).toEqual({ start: now - 3_600_000, end: now, live: true });
    }
  });

  test("the step grows with the range and is never below a second", () => {
    expect(stepFor(0, 60_000)).toBe(1);
    expect(stepFor(0, 3_600_000)).toBe(15);
    expect(stepFor(0, 7 * 86_400_000)).toBe(2_520);
  });
});
