// What to ask first about a metric, and the unit that a query's result likely has.

import type { Metric } from "../../api/types.ts";

/** A useful first query: rates for counters, a high quantile for histograms, the value itself for gauges. */
export function firstQuery({ name, kind }: Pick<Metric, "name" | "kind">): string {
  switch (kind) {
    case "counter":
      return `sum(rate(${name}[5m]))`;
    case "histogram":
      return `histogram_quantile(0.95, sum by (le) (rate(${name.endsWith("_bucket") ? name : `${name}_bucket`}[5m])))`;
    default:
      return name;
  }
}

/** The unit by the naming rules of OpenMetrics; null where a function changes it or nothing is known. */
export function unitOf(expr: string): string | null {
  if (/^\s*histogram_quantile\(.*_seconds_bucket/s.test(expr)) return "seconds";
  if (/\/|\bcount\b|\bcount_over_time\b/.test(expr)) return null;
  if (/_seconds(?!_count|_bucket)\b/.test(expr) && !/\b(rate|irate|increase)\(/.test(expr)) return "seconds";
  if (/_bytes(_total)?\b/.test(expr)) return "bytes";
  if (/_ratio\b/.test(expr)) return "ratio";
  return null;
}
