// What people do, in a real browser: the keyboard, the palette, live changes, acting on an alert.

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

beforeAll(async () => {
  if (ready) browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
});
afterAll(async () => browser?.close());
beforeEach(async () => {
  if (!ready) return;
  fixture = await serve("dist", "trouble");
  page = await browser.newPage({ viewport: { width: 1280, height: 860 } });
  page.setDefaultTimeout(20_000);
});
afterEach(async () => {
  await page?.close();
  fixture?.close();
});

/** Another day in the same browser. */
const again = async (scenario: "storm") => {
  fixture.close();
  return serve("dist", scenario);
};
const open = async (path: string) => {
  await page.goto(fixture.url + path);
  await page.getByRole("status").filter({ hasText: "live" }).waitFor();
};
const count = (request: string) => fixture.requests.filter((each) => each === request).length;

describe.skipIf(!ready)("the console in a real browser", () => {
  test("g a goes to the alerts, j selects, a acknowledges, Enter opens", async () => {
    await open("/");
    await page.getByRole("heading", { name: "INC-12" }).waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("a");
    await page.getByRole("heading", { name: "Alerts", level: 1 }).waitFor();
    await page.getByText("14 % of ledger queries").waitFor();
    // The first press may come before the list listens: a person would press again, and so does this.
    await expect
      .poll(async () => {
        await page.keyboard.press("k");
        return page.locator("[aria-current=true]").count();
      })
      .toBe(1);
    await page.keyboard.press("j");
    await page.locator("[aria-current=true]").filter({ hasText: "teller-17" }).waitFor();
    await page.keyboard.press("a");
    await expect
      .poll(() => fixture.requests)
      .toContain("POST /api/watchkeeper/v1/alerts/alr_0193000000007000800000000000000b/acknowledge");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/alerts\/alr_0193000000007000800000000000000b$/);
  });

  test("presses that come faster than the page draws each count, and act on the row that they reached", async () => {
    await open("/alerts");
    await page.getByText("14 % of ledger queries").waitFor();
    // In one turn of the page's own loop nothing can be drawn between them.
    await page.evaluate(() => {
      for (const key of ["j", "j", "a"]) window.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    });
    await page.locator("[aria-current=true]").filter({ hasText: "teller-17" }).waitFor();
    await expect
      .poll(() => fixture.requests.filter((request) => request.startsWith("POST")))
      .toEqual(["POST /api/watchkeeper/v1/alerts/alr_0193000000007000800000000000000b/acknowledge"]);
  });

  test("typing in a field is never a command", async () => {
    await open("/alerts");
    await page.keyboard.press("/");
    await page.keyboard.type("gas?");
    await page.waitForURL(/q=gas%3F/);
    expect(fixture.requests.some((request) => request.startsWith("POST"))).toBe(false);
  });

  test("the palette finds an incident by a part of its title", async () => {
    await open("/rules");
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.keyboard.press("Control+k");
    await page.getByPlaceholder("Go to a page").fill("Payments fail");
    await page.getByRole("button", { name: /INC-12/ }).waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/incidents\/inc_/);
  });

  test("? lists the keys and Escape closes the list", async () => {
    await open("/");
    await page.keyboard.press("?");
    await page.getByRole("dialog").getByText("Acknowledge").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
  });

  test("a change is fetched when the server tells of it, and only what it concerns", async () => {
    await open("/alerts");
    await page.getByText("14 % of ledger queries").waitFor();
    const before = { alerts: count("GET /api/watchkeeper/v1/alerts"), me: count("GET /api/watchkeeper/v1/me") };
    fixture.change(["alert"]);
    await expect.poll(() => count("GET /api/watchkeeper/v1/alerts")).toBe(before.alerts + 1);
    expect(count("GET /api/watchkeeper/v1/me")).toBe(before.me);
  });

  test("when the stream ends, the page says that it is reconnecting", async () => {
    await open("/");
    fixture.close();
    await page.getByRole("status").filter({ hasText: "reconnecting" }).waitFor();
  });

  test("the buttons of an alert silence it with its own labels", async () => {
    await open("/alerts/alr_0193000000007000800000000000000a");
    const sent = page.waitForRequest((request) => request.method() === "POST" && request.url().endsWith("/silences"));
    await page.getByRole("button", { name: "4h" }).click();
    expect((await sent).postDataJSON()).toMatchObject({
      duration: "4h",
      matchers: ['alertname="PaymentsErrorRate"', 'service="payments"', 'env="production"', 'region="westeurope"'],
    });
    await page.getByText("Silenced until").waitFor();
  });

  test("a post-mortem is edited and an action item is ticked off", async () => {
    await open("/incidents/inc_01930000000070008000000000000001?tab=post-mortem");
    await page.getByRole("region", { name: "Root cause" }).getByRole("button", { name: "Edit" }).click();
    const saved = page.waitForRequest((request) => request.method() === "PUT");
    await page.getByRole("textbox", { name: "Root cause" }).fill("The pool had no cap.");
    await page.getByRole("button", { name: "Save" }).click();
    expect((await saved).postDataJSON()).toEqual({ root_cause: "The pool had no cap." });
    const ticked = page.waitForRequest((request) => request.url().endsWith("/action-items"));
    await page.getByRole("checkbox", { name: "Cap the pool per instance" }).click();
    expect((await ticked).postDataJSON()).toMatchObject({ id: "act_1", state: "done" });
  });

  test("an open incident's post-mortem is not an error but not drafted yet", async () => {
    await open("/incidents/inc_01930000000070008000000000000002?tab=post-mortem");
    await page.getByRole("heading", { name: "Not drafted yet" }).waitFor();
    expect(await page.getByRole("alert").count()).toBe(0);
  });

  test("the colours and the zone can be switched and stay so after a reload", async () => {
    await open("/");
    await page.getByRole("button", { name: "Dark colours" }).click();
    await page.getByRole("button", { name: "local" }).click();
    await page.reload();
    await page.getByRole("button", { name: "UTC" }).waitFor();
    expect(await page.locator("html").getAttribute("data-mantine-color-scheme")).toBe("dark");
  });

  test("a chart can be zoomed by dragging, and the range lands in the address", async () => {
    await open("/telemetry/metrics?expr=up");
    const box = await page.locator(".u-over").boundingBox();
    if (!box) throw new Error("the chart has no size");
    await page.mouse.move(box.x + 100, box.y + 50);
    await page.mouse.down();
    await page.mouse.move(box.x + 300, box.y + 60, { steps: 5 });
    await page.mouse.up();
    await page.waitForURL(/from=\d+.*to=\d+/);
  });

  test("alerts are chosen by checkbox and key, and acknowledged together; what was refused is said", async () => {
    await open("/alerts");
    await page.getByRole("checkbox", { name: /5xx share of payments/ }).click();
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("x");
    const bar = page.getByRole("toolbar", { name: "Chosen alerts" });
    await bar.getByText("2 alerts chosen").waitFor();
    const sent = page.waitForRequest((request) => request.url().endsWith("/alerts/acknowledge"));
    await bar.getByRole("button", { name: "Acknowledge" }).click();
    expect((await sent).postDataJSON()).toEqual({
      alert_ids: ["alr_0193000000007000800000000000000a", "alr_0193000000007000800000000000000b"],
    });
    await page.getByText(/Acknowledged 2 alerts; 1 refused/).waitFor();
    await bar.waitFor({ state: "detached" });
  });

  test("one silence for many shows before it is made what it would hold back, until Monday at eight", async () => {
    await open("/alerts");
    await page.getByRole("checkbox", { name: "Select all of this page" }).click();
    const previewed = page.waitForRequest((request) => request.url().endsWith("/silences/preview"));
    await page.getByRole("button", { name: "Silence…" }).click();
    expect((await previewed).postDataJSON().matchers[0]).toMatch(/^alertname=~"PaymentsErrorRate\|/);
    const dialog = page.getByRole("dialog");
    await dialog.getByText("It would hold back 12 alerts now.").waitFor();
    await dialog.getByText("until Monday", { exact: true }).click();
    await dialog.getByLabel("Why").fill("the network is being moved");
    const made = page.waitForRequest((request) => request.method() === "POST" && request.url().endsWith("/silences"));
    await dialog.getByRole("button", { name: "Silence", exact: true }).click();
    const body = (await made).postDataJSON();
    // Counted from when the button was pressed, which was a moment ago.
    const end = new Date(Date.now() + Number.parseInt(body.duration, 10) * 1_000 + 30_000);
    expect(body).toMatchObject({ comment: "the network is being moved" });
    expect([end.getDay(), end.getHours()]).toEqual([1, 8]);
  });

  test("chosen alerts are given to somebody", async () => {
    await open("/alerts");
    await page.getByRole("checkbox", { name: /5xx share of payments/ }).click();
    await page.getByRole("button", { name: "Assign…" }).click();
    const sent = page.waitForRequest((request) => request.url().endsWith("/alerts/assign"));
    await page.getByRole("dialog").getByRole("combobox", { name: "To whom" }).fill("bob");
    await page.getByRole("dialog").getByRole("button", { name: "Assign" }).click();
    expect((await sent).postDataJSON()).toEqual({
      alert_ids: ["alr_0193000000007000800000000000000a"],
      person: "bob",
    });
  });

  test("ten thousand alerts come page by page, and the address says which page it is", async () => {
    fixture = await again("storm");
    await page.goto(`${fixture.url}/alerts`);
    await page.getByText("1–100 of 10,000 alerts").waitFor();
    expect(await page.getByRole("row").count()).toBe(101);
    await page.getByRole("button", { name: "Next" }).click();
    await page.waitForURL(/cursor=100&page=2/);
    await page.getByText("101–200 of 10,000 alerts").waitFor();
    await page.getByText("Disk of node-100 is full").waitFor();
    await page.getByRole("button", { name: "Back" }).click();
    await page.getByText("1–100 of 10,000 alerts").waitFor();
    await page.goto(`${fixture.url}/alerts?cursor=9950&page=101`);
    await page.getByText("Disk of node-9999 is full").waitFor();
    expect(await page.getByRole("button", { name: "Next" }).isDisabled()).toBe(true);
    await page.getByRole("button", { name: "First" }).click();
    await page.getByText("1–100 of 10,000 alerts").waitFor();
  });

  test("an order is asked for by a header, starts at the first page, and lands in the address", async () => {
    fixture = await again("storm");
    await page.goto(`${fixture.url}/alerts?cursor=100&page=2`);
    const asked = page.waitForRequest((request) => request.url().includes("sort=newest"));
    await page.getByRole("columnheader", { name: "Age", exact: true }).getByRole("button").click();
    expect(new URL((await asked).url()).searchParams.get("cursor")).toBeNull();
    await page.waitForURL((url) => url.search === "?sort=newest");
    expect(await page.getByRole("columnheader", { name: "Age", exact: true }).getAttribute("aria-sort")).toBe(
      "ascending",
    );
  });

  test("the ledger leads from an entry to its object, narrows by what and who, and its chain is verified", async () => {
    await open("/ledger");
    const entries = page.getByRole("table", { name: "Entries" });
    await entries.getByText("alert.acknowledged").waitFor();
    expect(count("GET /api/watchkeeper/v1/ledger/verify")).toBe(0);
    await page.getByRole("button", { name: "Verify the chain" }).click();
    await page.getByText("The chain of 4,200 entries is intact").waitFor();
    const asked = page.waitForRequest((request) => new URL(request.url()).searchParams.get("actor") === "user:alice");
    await entries.getByRole("link", { name: "alice", exact: true }).click();
    await asked;
    await page.waitForURL(/\/ledger\?actor=user%3Aalice$/);
    await entries.getByRole("link", { name: /^inc_/ }).first().click();
    await page.waitForURL(/\/incidents\/inc_/);
  });
});
