// What the telemetry pages read: metric names, PromQL, logs, traces.

import { queryOptions } from "@tanstack/react-query";
import type { ChartLine } from "../chart/transform.ts";
import { matrixToLines } from "../chart/transform.ts";
import {
  type LogsSearch,
  PAGE_SIZE,
  type RangeSearch,
  resolveRange,
  stepFor,
  type TracesSearch,
} from "../url/search.ts";
import { api, take } from "./client.ts";
import { problemFrom } from "./problem.ts";

const V1 = "/api/watchkeeper/v1";

export const metrics = () =>
  queryOptions({
    queryKey: ["metrics"],
    queryFn: () => take(api.GET(`${V1}/telemetry/metrics`, { params: { query: { limit: 1_000 } } })),
    staleTime: 60_000,
  });

export const services = () =>
  queryOptions({
    queryKey: ["services"],
    queryFn: () => take(api.GET(`${V1}/telemetry/services`)),
    staleTime: 30_000,
  });

/** A live range is asked again every few seconds; a fixed one never changes. */
const refresh = (range: RangeSearch) => (range.from ? false : 5_000);

export type RangeResult = { lines: ChartLine[]; start: number; end: number; warnings: string[] };

export const promRange = (expr: string, range: RangeSearch) =>
  queryOptions({
    queryKey: ["prom", expr, range],
    enabled: expr !== "",
    refetchInterval: refresh(range),
    placeholderData: (previous: RangeResult | undefined) => previous,
    queryFn: async (): Promise<RangeResult> => {
      const { start, end } = resolveRange(range, Date.now());
      const step = stepFor(start, end);
      const query = { query: expr, start: String(start / 1_000), end: String(end / 1_000), step: String(step) };
      const answer = await take(api.GET("/api/v1/query_range", { params: { query } }));
      if (answer.status !== "success") throw problemFrom(200, answer);
      return { lines: matrixToLines(answer.data, step * 1_000), start, end, warnings: answer.warnings ?? [] };
    },
  });

/** Lines are short: a page holds more of them than of anything else. */
export const LOG_PAGE = 200;

const between = (range: RangeSearch) => {
  const { start, end } = resolveRange(range, Date.now());
  return { since: new Date(start).toISOString(), until: new Date(end).toISOString() };
};

/** The patterns of the same records that the list would show. */
export const logPatterns = ({ range, from, to, service, severity, q, trace_id }: LogsSearch) =>
  queryOptions({
    queryKey: ["log-patterns", service, severity, q, trace_id, range, from, to],
    refetchInterval: from ? false : 30_000,
    placeholderData: (previous) => previous,
    queryFn: () =>
      take(
        api.GET(`${V1}/telemetry/logs/patterns`, {
          params: { query: { service, severity, q, trace_id, ...between({ range, from, to }), limit: 200 } },
        }),
      ),
  });

/** Where records can be heard as they come in. */
export function tailAddress({ service, severity, q, trace_id }: LogsSearch): string {
  const given = Object.entries({ service, severity, q, trace_id }).filter(
    (pair): pair is [string, string] => !!pair[1],
  );
  return `${V1}/telemetry/logs/tail?${new URLSearchParams(given)}`;
}

export const serviceMap = ({ range, from, to }: RangeSearch) =>
  queryOptions({
    queryKey: ["service-map", range, from, to],
    refetchInterval: from ? false : 15_000,
    placeholderData: (previous) => previous,
    queryFn: () => take(api.GET(`${V1}/telemetry/map`, { params: { query: between({ range, from, to }) } })),
  });

export const logs = ({ range, from, to, page: _, view: __, ...filter }: LogsSearch) =>
  queryOptions({
    queryKey: ["logs", filter, range, from, to],
    // A later page stands still: what it goes on from is a moment that has passed.
    refetchInterval: filter.cursor ? false : refresh({ from }),
    placeholderData: (previous) => previous,
    queryFn: () =>
      take(
        api.GET(`${V1}/telemetry/logs`, {
          params: { query: { ...filter, ...between({ range, from, to }), limit: LOG_PAGE } },
        }),
      ),
  });

export const traces = ({ range, from, to, min_duration_ms, page: _, ...filter }: TracesSearch) =>
  queryOptions({
    queryKey: ["traces", filter, min_duration_ms, range, from, to],
    refetchInterval: filter.cursor ? false : refresh({ from }),
    placeholderData: (previous) => previous,
    queryFn: () =>
      take(
        api.GET(`${V1}/telemetry/traces`, {
          params: {
            query: {
              ...filter,
              min_duration_ms: min_duration_ms && Number(min_duration_ms) > 0 ? Number(min_duration_ms) : undefined,
              ...between({ range, from, to }),
              limit: PAGE_SIZE,
            },
          },
        }),
      ),
  });

export const trace = (id: string) =>
  queryOptions({
    queryKey: ["trace", id],
    queryFn: () => take(api.GET(`${V1}/telemetry/traces/{trace_id}`, { params: { path: { trace_id: id } } })),
  });
