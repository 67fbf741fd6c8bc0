// Where an expression stands in the text of a rule group, while it is being typed.

import { describe, expect, it } from "vitest";
import { expressionAt } from "../../src/editor/expressionAt.ts";

/** The expression at the place of `|` in the text. */
function at(marked: string) {
  const pos = marked.indexOf("¦");
  const text = marked.replace("¦", "");
  const found = expressionAt(text, pos);
  if (found) expect(text.slice(found.from, found.from + found.text.length)).toBe(found.text);
  return found?.text;
}

describe("the expression around a place", () => {
  it("is the value of expr on its line", () => {
    expect(at("rules:\n  - alert: A\n    expr: sum(up¦)\n    for: 1m\n")).toBe("sum(up)");
    expect(at("  - expr: up¦")).toBe("up");
    expect(at("    expr: 'up{job=\"¦\"}'\n")).toBe('up{job=""}');
  });
  it("is the whole block, with its indentation", () => {
    const text = "  - alert: A\n    expr: |\n      sum(up)\n        / count(¦\n\n      )\n    for: 1m\n";
    expect(at(text)?.trim()).toBe("sum(up)\n        / count(\n\n      )");
    expect(at("    expr: |\n      up¦")).toBe("      up");
  });
  it("is nothing in another key", () => {
    expect(at("    expr: up\n    for: 1¦m\n")).toBeUndefined();
    expect(at("    expr: |\n      up\n    annotations:\n      summary: a¦\n")).toBeUndefined();
    expect(at("groups:¦\n")).toBeUndefined();
    expect(at("    ex¦pr: up\n")).toBeUndefined();
  });
});
