// From API answers to what the chart draws. Pure, because this is where gaps, infinities and shuffled series go wrong.

import { age } from "../format/time.ts";

/** One line: points in milliseconds, ascending; null is a gap. */
export type ChartLine = { name: string; points: [t: number, value: number | null][] };

/** A shaded stretch. */
export type ChartSpan = { state: "firing" | "pending" | "unknown"; start: number; end: number };

/** A moment that is marked across the chart: a deploy, another change. */
export type ChartMark = { at: number; word: string };

/** A line's name: the metric's, then the labels in order. */
export function seriesName(labels: Record<string, string>): string {
  const { __name__: name = "", ...rest } = labels;
  const pairs = Object.entries(rest)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([key, value]) => `${key}="${value}"`);
  if (pairs.length === 0) return name === "" ? "value" : name;
  return `${name}{${pairs.join(", ")}}`;
}

/** Names without the labels that all lines share: what tells them apart is what a legend is for. */
export function distinctNames(all: Record<string, string>[]): string[] {
  const [first] = all;
  if (!first || all.length === 1) return all.map(seriesName);
  const shared = Object.keys(first).filter((key) => all.every((labels) => labels[key] === first[key]));
  return all.map((labels) => {
    const own = Object.entries(labels).filter(([key]) => !shared.includes(key));
    return own.length === 0 ? seriesName(labels) : seriesName(Object.fromEntries(own));
  });
}

type PromSeries = { metric: Record<string, string>; values: [number, string][] };

/** A Prometheus matrix as lines. Where more than one and a half steps are missing, the line breaks. */
export function matrixToLines(data: unknown, stepMs: number): ChartLine[] {
  const result = (data as { resultType?: string; result?: unknown } | undefined)?.result;
  if (!Array.isArray(result)) return [];
  const series = result.filter((s): s is PromSeries => Array.isArray((s as PromSeries).values));
  const names = distinctNames(series.map((s) => s.metric));
  return series.map((s, index) => {
    const points: ChartLine["points"] = [];
    let last: number | null = null;
    for (const [seconds, text] of s.values) {
      const t = Math.round(seconds * 1_000);
      if (last !== null && t - last > stepMs * 1.5) points.push([last + stepMs, null]);
      const value = Number(text);
      points.push([t, Number.isFinite(value) ? value : null]);
      last = t;
    }
    return { name: names[index] ?? "value", points };
  });
}

/** Lines aligned on one time axis in seconds, as uPlot wants them. Moments that a line lacks are `undefined`, not gaps. */
export function align(lines: ChartLine[]): [number[], ...(number | null | undefined)[][]] {
  const times = [...new Set(lines.flatMap((line) => line.points.map(([t]) => t)))].sort((a, b) => a - b);
  const place = new Map(times.map((t, index) => [t, index]));
  const columns = lines.map((line) => {
    const column = new Array<number | null | undefined>(times.length).fill(undefined);
    for (const [t, value] of line.points) {
      const index = place.get(t);
      if (index !== undefined) column[index] = value;
    }
    return column;
  });
  return [times.map((t) => t / 1_000), ...columns];
}

/** The states to shade within a window; what lasts ends with the window, and resolved is not shaded. */
export function shade(
  spans: { state: string; start: string; end?: string | null }[],
  window: { start: number; end: number },
): ChartSpan[] {
  return spans.flatMap(({ state, start, end }) => {
    if (state !== "firing" && state !== "pending" && state !== "unknown") return [];
    const from = Math.max(Date.parse(start), window.start);
    const to = Math.min(end ? Date.parse(end) : window.end, window.end);
    return from < to ? [{ state, start: from, end: to }] : [];
  });
}

/** The value axis: everything drawn and the threshold, with some air; zero is included when it is near. */
export function valueRange(values: readonly number[], threshold?: number | null): [number, number] {
  const all = threshold === null || threshold === undefined ? [...values] : [...values, threshold];
  if (all.length === 0) return [0, 1];
  let low = Math.min(...all);
  let high = Math.max(...all);
  if (low > 0 && low < high * 0.6) low = 0;
  if (high < 0 && high > low * 0.6) high = 0;
  if (low === high) return low === 0 ? [0, 1] : [Math.min(0, low * 1.2), Math.max(0, high * 1.2)];
  const air = (high - low) * 0.08;
  return [low === 0 ? 0 : low - air, high === 0 ? 0 : high + air];
}

/** The chart in one sentence, for those who do not see it. */
export function describe(
  title: string,
  lines: ChartLine[],
  spans: ChartSpan[],
  format: (value: number) => string,
  threshold?: number | null,
): string {
  const lasts = lines.slice(0, 3).flatMap((line) => {
    const last = line.points.findLast(([, value]) => value !== null)?.[1];
    return last === null || last === undefined ? [] : [`${line.name} is at ${format(last)}`];
  });
  const parts = [lasts.length > 0 ? lasts.join("; ") : "no data in this window"];
  if (lines.length > 3) parts.push(`and ${lines.length - 3} more lines`);
  if (threshold !== null && threshold !== undefined) parts.push(`threshold ${format(threshold)}`);
  for (const state of ["firing", "pending", "unknown"] as const) {
    const total = spans.filter((span) => span.state === state).reduce((sum, span) => sum + span.end - span.start, 0);
    if (total > 0) parts.push(`${state} for ${age(0, total)}`);
  }
  return `${title}: ${parts.join(", ")}.`;
}
