// The whole loop on the real programs: the demo with every fault, seen and used through a browser, with real e-mail.
// Not a unit test: nothing here is mocked but Slack, which the demo's stand-in plays.
//
// Usage: node tests/e2e/loop.mjs WATCHKEEPER BANK OUT [SMTP_PORT MAILDIR]. Ends with `N passed, N failed`.
import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { chromium } from "playwright-core";

const [watchkeeper, bank, out, smtpPort, maildir] = process.argv.slice(2);
const offset = Number(process.env.WATCHKEEPER_E2E_PORT_OFFSET ?? 12000);
const at = (port) => `http://127.0.0.1:${port + offset}`;
const [console_, slack] = [at(7404), at(7455)];
const api = (path) => `${console_}/api/watchkeeper/v1${path}`;
let passed = 0;
let failed = 0;

async function check(name, body) {
  try {
    await body();
    passed += 1;
    console.log(`ok    ${name}`);
  } catch (error) {
    failed += 1;
    console.log(
      `FAIL  ${name}\n      ${String(error?.message ?? error)
        .split("\n")
        .slice(0, 12)
        .join("\n      ")}`,
    );
  }
}

async function json(url, init) {
  const response = await fetch(url, init);
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return response.json();
}

// Looks again and again until there is an answer: the state decides, not the moment.
async function until(what, look, seconds = 240) {
  const deadline = Date.now() + seconds * 1000;
  let last;
  while (Date.now() < deadline) {
    try {
      const found = await look();
      if (found) return found;
    } catch (error) {
      last = error;
    }
    await wait(250);
  }
  throw new Error(`${what} did not come within ${seconds} s${last ? `; last: ${last.message}` : ""}`);
}

function must(condition, what) {
  if (!condition) throw new Error(what);
}

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

// A webhook receiver, to read Alertmanager's body as any program would.
const hooks = [];
const hook = createServer((request, response) => {
  let body = "";
  request.on("data", (chunk) => {
    body += chunk;
  });
  request.on("end", () => {
    hooks.push({ headers: request.headers, body: JSON.parse(body) });
    response.end("ok");
  });
});
await new Promise((resolve) => hook.listen(0, "127.0.0.1", resolve));

const options = [
  "demo",
  "--bank",
  bank,
  "--data",
  join(out, "demo"),
  "--port-offset",
  String(offset),
  "--tour",
  "all",
  "--exit",
];
options.push("--webhook", `http://127.0.0.1:${hook.address().port}/hook`);
if (smtpPort) options.push("--smtp", `127.0.0.1:${smtpPort}`);
const log = createWriteStream(join(out, "demo.log"));
const demo = spawn(watchkeeper, options, {
  stdio: ["ignore", "pipe", "pipe"],
  env: { ...process.env, SLACK_WEBHOOK_URL: "", WATCHKEEPER_SERVER: "", NO_COLOR: "1" },
});
let told = "";
for (const stream of [demo.stdout, demo.stderr]) {
  stream.on("data", (chunk) => {
    told += chunk;
    process.stdout.write(chunk.toString().replace(/^/gm, "    | "));
    log.write(chunk);
  });
}
const ended = new Promise((resolve) => demo.on("exit", resolve));
process.on("exit", () => demo.kill("SIGTERM"));

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});
const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: "dark" });
const page = await context.newPage();
const faults = [];
page.on("pageerror", (error) => faults.push(error.message));
const shot = (name, of = page) => of.screenshot({ path: join(out, `${name}.png`), fullPage: false });

let incident;
let alert;
await check("the console opens and says that all is well or what is wrong", async () => {
  await until("the console", async () => (await fetch(`${console_}/-/ready`)).ok, 60);
  await page.goto(console_);
  await page.getByRole("heading").first().waitFor();
  await shot("1-now-calm");
});

await check("a killed service becomes an incident on the first screen", async () => {
  alert = await until(
    "the alert of the killed service",
    async () => {
      const list = await json(api("/alerts?state=firing&q=ServiceUnreachable"));
      return list.items.find((a) => a.labels.service === "payments" && a.incident_id);
    },
    400,
  );
  incident = await json(api(`/incidents/${alert.incident_id}`));
  await page.goto(console_);
  await page.getByText(`INC-${incident.number}`).first().waitFor();
  await shot("2-now-incident");
});

await check("a person acknowledges it in the browser", async () => {
  await page.goto(`${console_}/incidents/${incident.id}`);
  await page
    .getByRole("button", { name: /^acknowledge/i })
    .first()
    .click();
  await until("the acknowledgement", async () => (await json(api(`/incidents/${incident.id}`))).acknowledged_at, 20);
  await shot("3-incident");
});

await check("the status page follows, without JavaScript", async () => {
  const plain = await browser.newContext({ viewport: { width: 1280, height: 900 }, javaScriptEnabled: false });
  const status = await plain.newPage();
  await status.goto(`${console_}/status`);
  const text = await status.locator("body").innerText();
  must(/payments/i.test(text), "the status page names no component");
  must(!/127\.0\.0\.1|ServiceUnreachable/.test(text), "the status page tells internals");
  await shot("4-status-page", status);
  await plain.close();
});

await check("the alert's page shows its chart and why somebody was told", async () => {
  await page.goto(`${console_}/alerts/${alert.id}`);
  await page.locator(".uplot").first().waitFor();
  await page
    .getByText(/delivered/i)
    .first()
    .waitFor();
  await shot("5-alert");
  const wanted = ["sample", "rule", "alert", "route", "notification", "attempt", "receipt", "incident", "workflow"];
  await until(
    "an explanation with every hop",
    async () => {
      const explained = await json(api(`/alerts/${alert.id}/explain`));
      const missing = wanted.filter((stage) => !explained.steps.some((step) => step.stage === stage));
      if (missing.length > 0) throw new Error(`it has no ${missing.join(", ")} step`);
      return true;
    },
    30,
  );
});

await check("Slack got the very message, and its button works", async () => {
  const slackPage = await context.newPage();
  await slackPage.goto(slack);
  await slackPage
    .getByText(/FIRING/)
    .first()
    .waitFor();
  await shot("6-slack", slackPage);
  const firing = await until("a firing alert that nobody has acknowledged", async () => {
    const list = await json(api("/alerts?state=firing"));
    return list.items.find((a) => !a.acknowledged_by && a.category !== "security");
  });
  const messages = (await json(`${slack}/messages`)).messages ?? (await json(`${slack}/messages`));
  must(JSON.stringify(messages).includes(firing.id), "no message speaks of the alert");
  await slackPage.reload();
  const message = slackPage.locator("article", { hasText: firing.name }).last();
  await message
    .getByRole("button", { name: /acknowledge/i })
    .first()
    .click();
  await until(
    "the acknowledgement from Slack",
    async () => (await json(api(`/alerts/${firing.id}`))).acknowledged_by,
    20,
  );
  await slackPage.close();
});

await check("the pages work at 390 pixels and in light", async () => {
  const phone = await browser.newContext({ viewport: { width: 390, height: 844 }, colorScheme: "light" });
  const small = await phone.newPage();
  for (const [name, path] of [
    ["now", "/"],
    ["alerts", "/alerts"],
    ["incident", `/incidents/${incident.id}`],
    ["status", "/status"],
  ]) {
    await small.goto(`${console_}${path}`);
    await small.getByRole("heading").first().waitFor();
    const wide = await small.evaluate(
      () => document.documentElement.scrollWidth > document.documentElement.clientWidth + 1,
    );
    await shot(`7-phone-${name}`, small);
    must(!wide, `${path} scrolls sideways`);
  }
  await phone.close();
});

await check("rules, runs, telemetry, deliveries, probes and the demo's panel open", async () => {
  for (const path of [
    "/rules",
    "/workflows",
    "/telemetry/metrics",
    "/telemetry/logs",
    "/telemetry/traces",
    "/deliveries",
    "/probes",
    "/demo",
    "/silences",
  ]) {
    await page.goto(`${console_}${path}`);
    await page.getByRole("heading").first().waitFor();
    await shot(`8-page${path.replaceAll("/", "-")}`);
  }
});

const status = await ended;
await check("every fault was noticed, told, handled, resolved and explained", async () => {
  must(
    status === 0,
    `the tour ended with ${status}: ${told
      .split("\n")
      .filter((l) => /missed|error/.test(l))
      .join("; ")}`,
  );
});
const scenes = told.match(/explained: post-mortem drafted/g)?.length ?? 0;
await check(`ten loops closed (${scenes})`, async () => must(scenes >= 10, "some loops did not close"));

await check("the webhook got Alertmanager's body, firing and resolved", async () => {
  must(hooks.length > 0, "nothing arrived");
  must(
    hooks.every((h) => h.body.version === "4" && h.body.alerts.length > 0),
    "a body is not Alertmanager's",
  );
  for (const wanted of ["firing", "resolved"])
    must(
      hooks.some((h) => h.body.status === wanted),
      `no ${wanted} arrived`,
    );
  const keys = hooks.map((h) => h.headers["idempotency-key"]);
  must(new Set(keys).size === keys.length, "one message arrived twice");
});

if (smtpPort) {
  await check("e-mail arrived at a real mail server", async () => {
    const mails = readdirSync(join(maildir, "new")).map((file) => readFileSync(join(maildir, "new", file), "utf8"));
    must(mails.length > 0, "no mail arrived");
    must(
      mails.some((m) => /multipart\//.test(m) && /image\/png/.test(m)),
      "no mail carries a chart",
    );
    must(
      mails.some((m) => /^Subject:.*Payments|payments/im.test(m)),
      "no mail speaks of payments",
    );
  });
}

await check("no page threw an error", async () => must(faults.length === 0, faults.join("; ")));

await browser.close();
hook.close();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
