// Opens every page of the built console in a real browser, wide and narrow, light and dark, and keeps a picture of each.
// Fails when a page logs an error, breaks the content policy, overflows, or runs what came in as data.
// `npm run test:browser` needs `npm run build` and a Chromium; PAGES_FILTER picks some, SCREENSHOTS names the folder.

import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import axe from "axe-core";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHROMIUM, FLAGS } from "../fixtures/chromium.ts";
import { serve } from "../fixtures/server.ts";
import type { Scenario } from "../fixtures/world.ts";

const folder = process.env.SCREENSHOTS ?? "screenshots";
const filter = process.env.PAGES_FILTER ?? "";
const ready = existsSync(CHROMIUM) && existsSync("dist/index.html");
if (!ready) console.warn("skipped: the browser tests need /usr/bin/chromium (or CHROMIUM) and `npm run build`");
const ID = {
  alert: "alr_0193000000007000800000000000000a",
  incident: "inc_01930000000070008000000000000001",
  run: "run_01930000000070008000000000000001",
};
const PAGES: [name: string, path: string, scenario?: Scenario][] = [
  ["now", "/"],
  ["now-calm", "/", "calm"],
  ["now-empty", "/", "empty"],
  ["now-broken", "/", "broken"],
  ["alerts", "/alerts"],
  ["alerts-storm", "/alerts?cursor=300&page=4", "storm"],
  ["alerts-empty", "/alerts", "calm"],
  ["alert", `/alerts/${ID.alert}`],
  ["silences", "/silences"],
  ["silence-new", "/silences?new=1&matchers=service%3D%22payments%22"],
  ["on-call", "/on-call"],
  ["on-call-take-over", "/on-call?new=1"],
  ["on-call-empty", "/on-call", "calm"],
  ["incidents", "/incidents"],
  ["incident", `/incidents/${ID.incident}`],
  ["incident-post-mortem", `/incidents/${ID.incident}?tab=post-mortem`],
  ["rules", "/rules"],
  ["rule", "/rules/view/payments/PaymentsErrorRate"],
  ["rule-groups", "/rules/groups"],
  ["rule-group", "/rules/groups/refunds"],
  ["rule-group-new", "/rules/new"],
  ["backtest", "/rules/backtest?rule=payments%2FHighErrorRate&since=7d"],
  ["backtest-empty", "/rules/backtest"],
  ["probes", "/probes"],
  ["targets", "/targets"],
  ["targets-empty", "/targets", "empty"],
  ["heartbeats", "/heartbeats"],
  ["heartbeats-empty", "/heartbeats", "empty"],
  ["changes", "/changes"],
  ["incident-changes", `/incidents/${ID.incident}?tab=changes`],
  ["workflows", "/workflows"],
  ["run", `/runs/${ID.run}`],
  ["deliveries", "/deliveries"],
  ["delivery", "/deliveries/ntf_01930000000070008000000000000001"],
  ["routing", "/routing?labels=priority%3Dhigh%0Ateam%3Dcore"],
  ["self-watch", "/self-watch"],
  ["self-watch-calm", "/self-watch", "calm"],
  ["ledger", "/ledger"],
  ["metrics", "/telemetry/metrics?expr=sum%20by%20(service)%20(rate(http_server_requests_total%5B5m%5D))"],
  ["logs", "/telemetry/logs"],
  ["log-patterns", "/telemetry/logs?view=patterns"],
  ["logs-live", "/telemetry/logs?view=live"],
  ["map", "/telemetry/map"],
  ["map-empty", "/telemetry/map", "empty"],
  ["traces", "/telemetry/traces"],
  ["trace", "/telemetry/traces/4bf92f3577b34da6a3ce929d0e0e4736"],
  ["demo", "/demo"],
  ["settings", "/settings"],
  ["missing", "/nowhere"],
];
// Each width and each colour scheme once for every page; PAGES_ALL=1 adds the other two pairs.
const VIEWS = [
  { name: "1280-light", width: 1280, height: 860, colorScheme: "light" },
  { name: "390-dark", width: 390, height: 844, colorScheme: "dark" },
  ...(process.env.PAGES_ALL
    ? ([
        { name: "1280-dark", width: 1280, height: 860, colorScheme: "dark" },
        { name: "390-light", width: 390, height: 844, colorScheme: "light" },
      ] as const)
    : []),
] as const;

/** What axe-core finds that keeps somebody out: contrast, names, roles, focus. Short, so that a failure can be read. */
async function barriers(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { violations } = await (window as unknown as { axe: typeof import("axe-core") }).axe.run(document, {
      resultTypes: ["violations"],
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"],
    });
    return violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.html.slice(0, 160)} ${n.any[0]?.message ?? ""}`));
  });
}

let browser: Browser;
beforeAll(async () => {
  if (!ready) return;
  mkdirSync(folder, { recursive: true });
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: FLAGS,
  });
});
afterAll(async () => browser?.close());

describe.skipIf(!ready)("every page stands in a real browser", () => {
  for (const view of VIEWS) {
    for (const [name, path, scenario = "trouble"] of PAGES) {
      const label = `${name}-${view.name}`;
      if (!label.includes(filter)) continue;
      test(label, async () => {
        const faults: string[] = [];
        const fixture = await serve("dist", scenario);
        const context = await browser.newContext({ viewport: view, colorScheme: view.colorScheme });
        const page = await context.newPage();
        page.on("console", (message) => {
          const expected = scenario === "broken" && message.text().includes("503");
          if (message.type() === "error" && !expected) faults.push(message.text());
        });
        page.on("pageerror", (error) => faults.push(error.message));
        await page.goto(fixture.url + path);
        await page.getByRole("heading", { level: 1 }).waitFor();
        await page.waitForFunction(() => document.querySelector("[aria-busy=true]") === null);
        if (["alert", "metrics"].includes(name)) await page.locator("canvas").first().waitFor();
        await page.evaluate(() => document.fonts.ready);
        await page.screenshot({ path: join(folder, `${label}.png`), fullPage: true, animations: "disabled" });
        expect(
          await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth),
        ).toBe(0);
        expect(await page.title()).toMatch(/Watchkeeper$/);
        expect(await page.locator('a[href^="javascript:"]').count()).toBe(0);
        expect(await barriers(page)).toEqual([]);
        expect(faults).toEqual([]);
        await context.close();
        fixture.close();
      });
    }
  }
});
