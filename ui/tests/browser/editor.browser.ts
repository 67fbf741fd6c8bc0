// The editor in a real browser: what is wrong is underlined at its place, names are completed, the chart follows.

import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHROMIUM, FLAGS } from "../fixtures/chromium.ts";
import { type Fixture, serve } from "../fixtures/server.ts";

const folder = process.env.SCREENSHOTS ?? "screenshots";
const ready = existsSync(CHROMIUM) && existsSync("dist/index.html");

describe.skipIf(!ready)("the editor", () => {
  let browser: Browser;
  let fixture: Fixture;
  let page: Page;

  beforeAll(async () => {
    mkdirSync(folder, { recursive: true });
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
    fixture = await serve("dist", "trouble");
  });
  afterAll(async () => {
    await browser?.close();
    fixture?.close();
  });
  const open = async (path: string) => {
    page = await browser.newPage({ viewport: { width: 1280, height: 860 } });
    await page.goto(fixture.url + path);
    await page.locator(".cm-content").waitFor();
  };

  test("a group is checked while it is written, and its rule is drawn beside it", async () => {
    await open("/rules/groups/refunds");
    await page.getByRole("heading", { name: "Preview: RefundsSlow" }).waitFor();
    await page.locator("canvas").first().waitFor();
    await page.getByLabel("Why", { exact: true }).fill("a typing error");
    expect(await page.getByRole("button", { name: "Save" }).isDisabled()).toBe(true);
    await page.locator(".cm-line", { hasText: "refunds_total" }).click();
    await page.keyboard.press("End");
    await page.keyboard.type(" !! 1");
    await page.locator(".cm-lintRange-error").waitFor();
    await page.getByText("Line 13, column 19: unexpected `!!`").waitFor();
    expect(await page.getByRole("button", { name: "Save" }).isDisabled()).toBe(true);
    await page.screenshot({ path: join(folder, "editor-problem.png"), fullPage: true });
    for (let i = 0; i < 5; i++) await page.keyboard.press("Backspace");
    await page.keyboard.type("00");
    await page.locator(".cm-lintRange-error").waitFor({ state: "detached" });
    await page.getByRole("heading", { name: "Preview: RefundsFail" }).waitFor();
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText(/is evaluated as version/).waitFor();
    expect(fixture.requests).toContain("PUT /api/watchkeeper/v1/rule-groups/refunds");
  });

  test("names of metrics are completed within an expression and in the explorer", async () => {
    for (const path of ["/rules/groups/refunds", "/telemetry/metrics"]) {
      await open(path);
      if (path.startsWith("/rules")) {
        await page.locator(".cm-line", { hasText: "refunds_total" }).click();
        await page.keyboard.press("End");
        await page.keyboard.type(" + http_s");
      } else {
        await page.locator(".cm-content").click();
        await page.keyboard.type("sum(http_s");
      }
      const option = page.locator(".cm-tooltip-autocomplete li", { hasText: "http_server_requests_total" }).first();
      await option.waitFor();
      await page.screenshot({ path: join(folder, `editor-completion-${path.split("/")[1]}.png`) });
      await option.click();
      expect(await page.locator(".cm-content").innerText()).toContain("http_server_requests_total");
    }
  });
});
