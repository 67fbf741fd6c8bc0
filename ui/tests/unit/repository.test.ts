// What must hold for the files of this folder.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import openapiTypescript, { astToString } from "openapi-typescript";
import { describe, expect, test } from "vitest";

const filesUnder = (folder: string): string[] =>
  readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesUnder(path) : [path];
  });
const sources = filesUnder("src").filter((path) => /\.tsx?$/.test(path) && !path.endsWith(".gen.ts"));

describe("this folder", () => {
  test("the generated client is fresh: else run `npm run generate`", async () => {
    const made = astToString(await openapiTypescript(new URL("../../../openapi.json", import.meta.url)));
    const committed = readFileSync("src/api/schema.gen.ts", "utf8");
    expect(committed.slice(committed.indexOf("export interface paths"))).toBe(
      made.slice(made.indexOf("export interface paths")),
    );
  });

  test("the lockfile names no registry", () => {
    const lock = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
      packages: Record<string, { resolved?: string }>;
    };
    expect(Object.values(lock.packages).filter((entry) => entry.resolved !== undefined)).toEqual([]);
  });

  test("no source file is longer than 500 lines, and each says what it is", () => {
    for (const path of sources) {
      const text = readFileSync(path, "utf8");
      expect(text.split("\n").length, path).toBeLessThanOrEqual(500);
      expect(text.startsWith("// "), path).toBe(true);
    }
  });

  test("nothing writes HTML: what comes from outside is only ever text", () => {
    for (const path of sources)
      expect(readFileSync(path, "utf8"), path).not.toMatch(
        /dangerouslySetInnerHTML|innerHTML|insertAdjacentHTML|document\.write|\beval\(/,
      );
  });
});
