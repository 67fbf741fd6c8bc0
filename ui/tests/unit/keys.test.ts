import { describe, expect, test } from "vitest";
import { type Command, DESTINATIONS, type KeyState, press, SINGLE, START } from "../../src/app/keys.ts";

function type(keys: string, over: { typing?: boolean; modified?: boolean; gap?: number } = {}): (Command | null)[] {
  let state: KeyState = START;
  return [...keys].map((key, index) => {
    const [next, command] = press(state, {
      key,
      now: index * (over.gap ?? 100),
      typing: over.typing ?? false,
      modified: over.modified ?? false,
    });
    state = next;
    return command;
  });
}

describe("keys", () => {
  test("g and a letter lead to a page", () => {
    expect(type("ga").at(-1)).toEqual({ kind: "go", to: "/alerts" });
    expect(type("gn").at(-1)).toEqual({ kind: "go", to: "/" });
  });

  test("a letter after g does not also mean what it means alone", () =>
    expect(type("gag")).toEqual([null, { kind: "go", to: "/alerts" }, null]));

  test("a g that waited too long is forgotten", () =>
    expect(type("ga", { gap: 2_000 }).at(-1)).toEqual({ kind: "acknowledge" }));

  test("an unknown letter after g does nothing and ends the sequence", () => {
    expect(type("gzj")).toEqual([null, null, { kind: "move", by: 1 }]);
  });

  test("while somebody types, or holds a modifier, no key is a command", () => {
    expect(type("as?jg", { typing: true })).toEqual([null, null, null, null, null]);
    expect(type("as", { modified: true })).toEqual([null, null]);
  });

  test("no key stands for two commands", () => {
    const keys = SINGLE.map((entry) => entry.key);
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys).not.toContain("g");
    expect(Object.values(DESTINATIONS).every(({ to }) => to.startsWith("/"))).toBe(true);
  });
});
