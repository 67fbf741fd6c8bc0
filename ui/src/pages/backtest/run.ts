// A backtest from the page's side: what is asked, following the job to its end, and figures made from its report.

import { api, take } from "../../api/client.ts";
import { ApiError } from "../../api/problem.ts";
import type { BacktestBand, BacktestExploration, BacktestReport, NewBacktest, Replayed } from "../../api/types.ts";
import type { ChartLine, ChartSpan } from "../../chart/transform.ts";
import { distinctNames } from "../../chart/transform.ts";
import type { BacktestSearch } from "../../url/search.ts";

const V1 = "/api/watchkeeper/v1";
/** How long the server may wait before it says how far it is. */
const TURN_MS = 700;

/** The request that an address means; none while it names neither a rule nor an expression. */
export function asked(search: BacktestSearch): NewBacktest | null {
  if (!search.rule && !search.expr?.trim()) return null;
  return {
    rule: search.rule,
    name: search.name,
    expr: search.expr?.trim() || undefined,
    for: search.for?.trim() || undefined,
    since: search.since ?? "7d",
    step: search.step,
    time_zone: search.zone,
  };
}

/** Runs a backtest to its end. Aborting stops it on the server, too. */
export async function follow(
  request: NewBacktest,
  signal: AbortSignal,
  onProgress: (done: number) => void,
): Promise<BacktestReport> {
  onProgress(0);
  let job = await take(api.POST(`${V1}/backtests`, { body: { ...request, wait_ms: TURN_MS } }));
  const params = { path: { id: job.id } };
  const stop = () => void api.DELETE(`${V1}/backtests/{id}`, { params });
  signal.addEventListener("abort", stop, { once: true });
  try {
    while (job.state === "running") {
      onProgress(job.progress);
      job = await take(api.GET(`${V1}/backtests/{id}`, { params: { ...params, query: { wait_ms: TURN_MS } }, signal }));
    }
  } finally {
    signal.removeEventListener("abort", stop);
  }
  onProgress(1);
  if (job.report) return job.report;
  throw new ApiError({
    code: "WK2002",
    title: job.state === "cancelled" ? "The backtest was stopped" : "The rule cannot be replayed",
    detail: job.error ?? "Run it again.",
    status: 200,
  });
}

/** The course of what the rule compares. */
export function lines(report: BacktestReport): ChartLine[] {
  const names = distinctNames(report.chart.series.map((series) => series.labels));
  return report.chart.series.map((series, index) => ({
    name: names[index] ?? "value",
    points: series.points as ChartLine["points"],
  }));
}

/** A band as lines: each series with its upper and its lower edge, and which lines are edges of one band. */
export function bandLines(band: BacktestBand): { lines: ChartLine[]; bands: [number, number][] } {
  const names = distinctNames(band.series.map((series) => series.labels));
  const drawn: ChartLine[] = [];
  const bands: [number, number][] = [];
  band.series.forEach((series, index) => {
    const name = names[index] ?? "value";
    const at = drawn.length;
    for (const [word, line] of [
      ["", series],
      [" at most", band.upper[index]],
      [" at least", band.lower[index]],
    ] as const) {
      drawn.push({ name: `${name}${word}`, points: (line?.points ?? []) as ChartLine["points"] });
    }
    bands.push([at + 1, at + 2]);
  });
  return { lines: drawn, bands };
}

/** When at least one alert was on, and when nothing was known. */
export function spans(rule: Replayed): ChartSpan[] {
  const end = Date.parse(rule.end);
  const firing = rule.firings
    .map((f) => ({ start: Date.parse(f.fired_at), end: f.resolved_at ? Date.parse(f.resolved_at) : end }))
    .sort((a, b) => a.start - b.start);
  const merged: ChartSpan[] = [];
  for (const span of firing) {
    const last = merged.at(-1);
    if (last && span.start <= last.end) last.end = Math.max(last.end, span.end);
    else merged.push({ state: "firing", ...span });
  }
  const unknown = rule.unknown.map(
    (u): ChartSpan => ({ state: "unknown", start: Date.parse(u.start), end: u.end ? Date.parse(u.end) : end }),
  );
  return [...merged, ...unknown];
}

/** A setting among those that were tried, by its place. */
export type Choice = { threshold: number; hold: number };

/** The place of the rule's own setting. */
export function ownChoice(rule: Replayed, explored: BacktestExploration): Choice {
  const seconds = explored.holds_seconds.findIndex((hold) => holdText(hold) === rule.for);
  return {
    threshold: Math.max(0, explored.thresholds.indexOf(rule.threshold ?? Number.NaN)),
    hold: Math.max(0, seconds),
  };
}

/** The tried threshold that is nearest to a value. */
export function nearest(explored: BacktestExploration, value: number): number {
  let best = 0;
  explored.thresholds.forEach((threshold, index) => {
    if (Math.abs(threshold - value) < Math.abs((explored.thresholds[best] ?? 0) - value)) best = index;
  });
  return best;
}

/** A length of time as rules write it: `90s` is `1m30s`. */
export function holdText(seconds: number): string {
  let rest = Math.round(seconds);
  let text = "";
  for (const [unit, letter] of [
    [86_400, "d"],
    [3_600, "h"],
    [60, "m"],
    [1, "s"],
  ] as const) {
    if (rest >= unit) {
      text += `${Math.floor(rest / unit)}${letter}`;
      rest %= unit;
    }
  }
  return text || "0s";
}

/** The rule's expression with another threshold. */
export function withThreshold(rule: Replayed, threshold: number): string {
  return rule.lhs && rule.comparison ? `${rule.lhs} ${rule.comparison} ${threshold}` : rule.expr;
}
