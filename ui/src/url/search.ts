// What the query strings of the pages mean. The URL is the state: every filter and time range can be pasted into a chat.

/** The raw query string: every value is text, so that an id of digits alone stays an id. */
export type RawSearch = Record<string, unknown>;

export function parseSearch(text: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(text));
}

export function stringifySearch(search: RawSearch): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(search)) {
    if (value !== undefined && value !== null && value !== "") params.set(key, String(value));
  }
  const text = params.toString();
  return text === "" ? "" : `?${text}`;
}

function text(raw: RawSearch, key: string): string | undefined {
  const value = raw[key];
  return typeof value === "string" && value !== "" ? value.slice(0, 4_000) : undefined;
}

function oneOf<T extends string>(raw: RawSearch, key: string, words: readonly T[]): T | undefined {
  const value = text(raw, key);
  return words.find((word) => word === value);
}

/** How many objects a page holds: more than anybody reads at once, and few enough to draw at once. */
export const PAGE_SIZE = 100;

/** Where in a list the reader is: `cursor` finds the page, `page` only says its number. */
export type PageSearch = { cursor?: string; page?: string };
const pageSearch = (raw: RawSearch): PageSearch => ({ cursor: text(raw, "cursor"), page: text(raw, "page") });
/** Back to the first page: whatever narrows or sorts a list says this too, for a cursor belongs to one list. */
export const FIRST_PAGE: PageSearch = { cursor: undefined, page: undefined };

export const ALERT_SORTS = ["urgency", "newest", "oldest", "name"] as const;
export type AlertSort = (typeof ALERT_SORTS)[number];
export type AlertSearch = PageSearch & {
  state?: string;
  category?: string;
  priority?: string;
  service?: string;
  owner?: string;
  sort?: AlertSort;
  q?: string;
};
export const alertSearch = (raw: RawSearch): AlertSearch => ({
  state: text(raw, "state"),
  category: text(raw, "category"),
  priority: text(raw, "priority"),
  service: text(raw, "service"),
  owner: text(raw, "owner"),
  sort: oneOf(raw, "sort", ALERT_SORTS),
  q: text(raw, "q"),
  ...pageSearch(raw),
});

export const INCIDENT_SORTS = ["newest", "oldest", "urgency"] as const;
export type IncidentSort = (typeof INCIDENT_SORTS)[number];
export type IncidentListSearch = PageSearch & {
  state?: string;
  priority?: string;
  category?: string;
  owner?: string;
  sort?: IncidentSort;
  q?: string;
};
export const incidentListSearch = (raw: RawSearch): IncidentListSearch => ({
  state: text(raw, "state"),
  priority: text(raw, "priority"),
  category: text(raw, "category"),
  owner: text(raw, "owner"),
  sort: oneOf(raw, "sort", INCIDENT_SORTS),
  q: text(raw, "q"),
  ...pageSearch(raw),
});

export const INCIDENT_TABS = ["timeline", "alerts", "changes", "runs", "notifications", "post-mortem"] as const;
export type IncidentTab = (typeof INCIDENT_TABS)[number];
export const incidentSearch = (raw: RawSearch): { tab?: IncidentTab } => ({ tab: oneOf(raw, "tab", INCIDENT_TABS) });

/** `never`: only rules that can never fire. */
export type RuleSearch = PageSearch & {
  state?: string;
  priority?: string;
  category?: string;
  q?: string;
  never?: "1";
};
export type ChangeSearch = PageSearch & { service?: string };
export const changeSearch = (raw: RawSearch): ChangeSearch => ({ service: text(raw, "service"), ...pageSearch(raw) });
export const ruleSearch = (raw: RawSearch): RuleSearch => ({
  state: text(raw, "state"),
  priority: text(raw, "priority"),
  category: text(raw, "category"),
  q: text(raw, "q"),
  never: oneOf(raw, "never", ["1"] as const),
  ...pageSearch(raw),
});

export type TargetSearch = { state?: string; job?: string; q?: string };
export const targetSearch = (raw: RawSearch): TargetSearch => ({
  state: text(raw, "state"),
  job: text(raw, "job"),
  q: text(raw, "q"),
});

/** A rule to replay: one that runs (`rule`), with what takes the place of its own, or an expression. */
export type BacktestSearch = {
  rule?: string;
  name?: string;
  expr?: string;
  for?: string;
  since?: string;
  step?: string;
  zone?: string;
};
export const backtestSearch = (raw: RawSearch): BacktestSearch => ({
  rule: text(raw, "rule"),
  name: text(raw, "name"),
  expr: text(raw, "expr"),
  for: text(raw, "for"),
  since: text(raw, "since"),
  step: text(raw, "step"),
  zone: text(raw, "zone"),
});
/** How far back a backtest may go, as the buttons say it. */
export const BACKTEST_LENGTHS = ["1d", "7d", "30d", "90d"] as const;

export type DeliverySearch = PageSearch & { receiver?: string; channel?: string; state?: string; q?: string };
export const deliverySearch = (raw: RawSearch): DeliverySearch => ({
  receiver: text(raw, "receiver"),
  channel: text(raw, "channel"),
  state: text(raw, "state"),
  q: text(raw, "q"),
  ...pageSearch(raw),
});

/** `range` is a length back from now, as on the telemetry pages; absent: all of time. */
export type LedgerSearch = PageSearch & { kind?: string; subject?: string; actor?: string; range?: string };
export const ledgerSearch = (raw: RawSearch): LedgerSearch => ({
  kind: text(raw, "kind"),
  subject: text(raw, "subject"),
  actor: text(raw, "actor"),
  range: text(raw, "range"),
  ...pageSearch(raw),
});

export type RunSearch = PageSearch & { workflow?: string; state?: string };
export const runSearch = (raw: RawSearch): RunSearch => ({
  workflow: text(raw, "workflow"),
  state: text(raw, "state"),
  ...pageSearch(raw),
});

/** The question which way an alert would go: labels one per line, and a moment; absent: now. */
export type RoutingSearch = { labels?: string; at?: string };
export const routingSearch = (raw: RawSearch): RoutingSearch => ({ labels: text(raw, "labels"), at: text(raw, "at") });

/** The silence form, prefilled: `matchers` separated by line breaks. */
export type SilenceSearch = PageSearch & {
  new?: "1";
  matchers?: string;
  state?: string;
  q?: string;
  recurring?: "true" | "false";
};
export const silenceSearch = (raw: RawSearch): SilenceSearch => ({
  new: oneOf(raw, "new", ["1"] as const),
  matchers: text(raw, "matchers"),
  state: text(raw, "state"),
  q: text(raw, "q"),
  recurring: oneOf(raw, "recurring", ["true", "false"] as const),
  ...pageSearch(raw),
});

/** A time range: a length back from now (`range=1h`), or two moments in milliseconds (`from`, `to`). */
export type RangeSearch = { range?: string; from?: string; to?: string };
export const rangeSearch = (raw: RawSearch): RangeSearch => ({
  range: text(raw, "range"),
  from: text(raw, "from"),
  to: text(raw, "to"),
});

export type MetricsSearch = RangeSearch & { expr?: string };
export const metricsSearch = (raw: RawSearch): MetricsSearch => ({ ...rangeSearch(raw), expr: text(raw, "expr") });

/** Logs are looked at as records, as patterns, or as they come in. */
export const LOG_VIEWS = ["records", "patterns", "live"] as const;
export type LogView = (typeof LOG_VIEWS)[number];
export type LogsSearch = RangeSearch &
  PageSearch & { view?: LogView; service?: string; severity?: string; q?: string; trace_id?: string };
export const logsSearch = (raw: RawSearch): LogsSearch => ({
  ...rangeSearch(raw),
  view: oneOf(raw, "view", LOG_VIEWS),
  service: text(raw, "service"),
  severity: text(raw, "severity"),
  q: text(raw, "q"),
  trace_id: text(raw, "trace_id"),
  ...pageSearch(raw),
});

export type TracesSearch = RangeSearch &
  PageSearch & {
    service?: string;
    operation?: string;
    min_duration_ms?: string;
    status?: string;
  };
export const tracesSearch = (raw: RawSearch): TracesSearch => ({
  ...rangeSearch(raw),
  service: text(raw, "service"),
  operation: text(raw, "operation"),
  min_duration_ms: text(raw, "min_duration_ms"),
  status: text(raw, "status"),
  ...pageSearch(raw),
});

export const RANGES = { "5m": 300, "15m": 900, "1h": 3_600, "3h": 10_800, "12h": 43_200, "1d": 86_400, "7d": 604_800 };
export type RangeName = keyof typeof RANGES;

/** The range in milliseconds; an unusable one falls back to the last hour. */
export function resolveRange(search: RangeSearch, now: number): { start: number; end: number; live: boolean } {
  const from = Number(search.from);
  const to = Number(search.to);
  if (search.from && search.to && Number.isFinite(from) && Number.isFinite(to) && from < to) {
    return { start: from, end: to, live: false };
  }
  const name = search.range ?? "1h";
  const seconds = Object.hasOwn(RANGES, name) ? RANGES[name as RangeName] : RANGES["1h"];
  return { start: now - seconds * 1_000, end: now, live: true };
}

/** A step in seconds that gives about 240 points, at least one second. */
export function stepFor(start: number, end: number): number {
  return Math.max(1, Math.ceil((end - start) / 1_000 / 240));
}
