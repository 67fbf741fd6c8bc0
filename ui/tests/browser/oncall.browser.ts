// Taking a time over, in a real browser: by dragging over the calendar, by clicking on a turn, and by the keyboard alone.

import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { CHROMIUM, FLAGS } from "../fixtures/chromium.ts";
import { type Fixture, serve } from "../fixtures/server.ts";

const ready = existsSync(CHROMIUM) && existsSync("dist/index.html");
if (!ready) console.warn("skipped: the browser tests need /usr/bin/chromium (or CHROMIUM) and `npm run build`");

let browser: Browser;
let page: Page;
let fixture: Fixture;
const bodies: Record<string, unknown>[] = [];

beforeAll(async () => {
  if (ready) browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
});
afterAll(async () => browser?.close());
beforeEach(async () => {
  if (!ready) return;
  bodies.length = 0;
  fixture = await serve("dist", "trouble");
  page = await browser.newPage({ viewport: { width: 1280, height: 860 }, timezoneId: "UTC" });
  page.setDefaultTimeout(20_000);
  page.on("request", (request) => {
    if (request.method() === "POST") bodies.push(request.postDataJSON());
  });
  await page.goto(`${fixture.url}/on-call`);
  await page.getByRole("status").filter({ hasText: "live" }).waitFor();
  await page.locator(".wk-lane[data-pick]").first().waitFor();
});
afterEach(async () => {
  await page?.close();
  fixture?.close();
});

const lane = async (week: number) => {
  const box = await page.locator(".wk-lane[data-pick]").nth(week).boundingBox();
  if (!box) throw new Error("the calendar has no such week");
  return box;
};

describe.skipIf(!ready)("the on-call page in a real browser", () => {
  test("dragging over the second week opens the form with that time, and sending it takes the time over", async () => {
    const box = await lane(1);
    const y = box.y + box.height / 2;
    // From the beginning of Tuesday to the beginning of Thursday.
    await page.mouse.move(box.x + box.width / 7 + 1, y);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 4, y, { steps: 4 });
    await page.mouse.move(box.x + (box.width * 3) / 7 - 1, y, { steps: 4 });
    await page.mouse.up();
    await page.getByRole("heading", { name: "Take over payments" }).waitFor();
    const from = await page.getByRole("dialog").getByLabel("From").inputValue();
    const until = await page.getByRole("dialog").getByLabel("Until").inputValue();
    expect([from.slice(10), until.slice(10)]).toEqual(["T00:00", "T00:00"]);
    expect(Date.parse(`${until}Z`) - Date.parse(`${from}Z`)).toBe(2 * 86_400_000);
    expect(new Date(`${from}Z`).getUTCDay()).toBe(2);
    await page.getByLabel("Who takes over").selectOption("bob");
    await page.getByLabel("Why").fill("a course");
    await page.getByRole("button", { name: "Take over", exact: true }).click();
    await expect.poll(() => fixture.requests).toContain("POST /api/watchkeeper/v1/oncall/overrides");
    expect(bodies[0]).toEqual({
      schedule: "payments",
      person: "bob",
      from: `${from}:00.000Z`,
      until: `${until}:00.000Z`,
      reason: "a course",
    });
    await page.getByText("takes over payments").waitFor();
  });

  test("clicking on a turn offers it whole, instead of the one whose turn it is", async () => {
    await page
      .getByRole("button", { name: /^alice from/ })
      .first()
      .click();
    await page.getByRole("heading", { name: "Take over payments" }).waitFor();
    expect(await page.getByLabel("Only where this person would be on call").inputValue()).toBe("alice");
    expect(await page.getByRole("dialog").getByLabel("From").inputValue()).toMatch(/T09:00$/);
  });

  test("the keyboard alone is enough, and who cannot be called cannot be chosen", async () => {
    await page.getByRole("button", { name: "Take over…" }).press("Enter");
    const people = page.getByLabel("Who takes over");
    await expect.poll(() => people.locator("option").allInnerTexts()).toContain("carol");
    expect(await people.locator("option").allInnerTexts()).not.toContain("dan");
    const send = page.getByRole("button", { name: "Take over", exact: true });
    expect(await send.isDisabled()).toBe(true);
    await people.selectOption("carol");
    await page.getByRole("dialog").getByLabel("Until").fill("2020-01-01T00:00");
    await page.getByText("It ends before it begins").waitFor();
    expect(await send.isDisabled()).toBe(true);
  });

  test("an override is given back, and a note is left", async () => {
    await page.getByRole("button", { name: "Give back" }).click();
    await expect
      .poll(() => fixture.requests)
      .toContain("DELETE /api/watchkeeper/v1/oncall/overrides/ovr_01930000000070008000000000000001");
    await page.getByLabel("What the next one should know").fill("all quiet");
    await page.getByRole("button", { name: "Leave a note" }).click();
    await expect.poll(() => fixture.requests).toContain("POST /api/watchkeeper/v1/oncall/schedules/payments/notes");
  });

  test("the first page says who answers now, and where nobody does", async () => {
    await page.goto(fixture.url);
    const section = page.getByRole("region", { name: "On call now" });
    await section.getByText("carol").waitFor();
    expect(await section.innerText()).toMatch(/branches: nobody/);
  });
});
