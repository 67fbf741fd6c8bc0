// What pages read, each with the kinds of change that make it stale. Not what they write: see `actions.ts`.

import { queryOptions } from "@tanstack/react-query";
import {
  type AlertSearch,
  type ChangeSearch,
  type DeliverySearch,
  type IncidentListSearch,
  type LedgerSearch,
  PAGE_SIZE,
  type RuleSearch,
  type RunSearch,
  resolveRange,
  type SilenceSearch,
} from "../url/search.ts";
import { api, take } from "./client.ts";
import type { ChangeKind } from "./types.ts";

const V1 = "/api/watchkeeper/v1";

/** Marks a query with the kinds of change that concern it; `live.ts` refetches by them. */
const about = (...kinds: ChangeKind[]) => ({ kinds });

export const overview = () =>
  queryOptions({
    queryKey: ["overview"],
    queryFn: () => take(api.GET(`${V1}/overview`)),
    meta: about("alert", "incident", "rule", "run", "notification", "probe"),
  });

export const me = () =>
  queryOptions({ queryKey: ["me"], queryFn: () => take(api.GET(`${V1}/me`)), staleTime: 300_000 });

export const settings = () => queryOptions({ queryKey: ["settings"], queryFn: () => take(api.GET(`${V1}/settings`)) });

export const alerts = ({ page: _, ...search }: AlertSearch) =>
  queryOptions({
    queryKey: ["alerts", search],
    queryFn: () => take(api.GET(`${V1}/alerts`, { params: { query: { ...search, limit: PAGE_SIZE } } })),
    meta: about("alert", "incident", "silence"),
    placeholderData: (previous) => previous,
  });

/** How many alerts each word of a filter would leave. */
export const alertCounts = ({ page: _, cursor: __, sort: ___, ...search }: AlertSearch) =>
  queryOptions({
    queryKey: ["alert-counts", search],
    queryFn: () => take(api.GET(`${V1}/alerts/counts`, { params: { query: search } })),
    meta: about("alert", "incident"),
    placeholderData: (previous) => previous,
  });

export const alert = (id: string) =>
  queryOptions({
    queryKey: ["alert", id],
    queryFn: () => take(api.GET(`${V1}/alerts/{id}`, { params: { path: { id } } })),
    meta: about("alert", "incident", "silence"),
  });

export const alertChart = (id: string) =>
  queryOptions({
    queryKey: ["alert-chart", id],
    queryFn: () => take(api.GET(`${V1}/alerts/{id}/chart`, { params: { path: { id } } })),
    meta: about("alert"),
    refetchInterval: 10_000,
  });

export const explanation = (id: string) =>
  queryOptions({
    queryKey: ["explain", id],
    queryFn: () => take(api.GET(`${V1}/alerts/{id}/explain`, { params: { path: { id } } })),
    meta: about("alert", "incident", "notification", "run", "silence"),
  });

export const silences = ({ state, q, recurring, cursor }: SilenceSearch) =>
  queryOptions({
    queryKey: ["silences", state, q, recurring, cursor],
    queryFn: () => {
      const recurs = recurring === undefined ? undefined : recurring === "true";
      const query = { state, q, recurring: recurs, cursor, limit: PAGE_SIZE };
      return take(api.GET(`${V1}/silences`, { params: { query } }));
    },
    meta: about("silence", "alert"),
    placeholderData: (previous) => previous,
  });

/** What a silence with these matchers would hold back; a refusal is the answer to a matcher that cannot be read. */
export const silencePreview = (matchers: string[]) =>
  queryOptions({
    queryKey: ["silence-preview", matchers],
    queryFn: () => take(api.POST(`${V1}/silences/preview`, { body: { matchers } })),
    enabled: matchers.length > 0,
    meta: about("alert", "silence"),
    retry: false,
  });

export const incidents = ({ page: _, ...search }: IncidentListSearch) =>
  queryOptions({
    queryKey: ["incidents", search],
    queryFn: () => take(api.GET(`${V1}/incidents`, { params: { query: { ...search, limit: PAGE_SIZE } } })),
    meta: about("incident"),
    placeholderData: (previous) => previous,
  });

export const incident = (id: string) =>
  queryOptions({
    queryKey: ["incident", id],
    queryFn: () => take(api.GET(`${V1}/incidents/{id}`, { params: { path: { id } } })),
    meta: about("incident", "alert", "run", "notification", "change"),
  });

export const postMortem = (id: string) =>
  queryOptions({
    queryKey: ["post-mortem", id],
    queryFn: () => take(api.GET(`${V1}/incidents/{id}/post-mortem`, { params: { path: { id } } })),
    meta: about("incident"),
  });

/** What needs somebody first. */
export const rules = ({ page: _, never, ...search }: RuleSearch) =>
  queryOptions({
    queryKey: ["rules", search, never],
    queryFn: () => {
      const query = { ...search, never: never ? true : undefined, sort: "state" as const, limit: PAGE_SIZE };
      return take(api.GET(`${V1}/rules`, { params: { query } }));
    },
    meta: about("rule", "alert"),
    refetchInterval: 10_000,
    placeholderData: (previous) => previous,
  });

export const probes = () =>
  queryOptions({ queryKey: ["probes"], queryFn: () => take(api.GET(`${V1}/probes`)), meta: about("probe") });

/** What is scraped; it says how each scrape went, so it is read again as scrapes go. */
export const targets = () =>
  queryOptions({
    queryKey: ["targets"],
    queryFn: () => take(api.GET(`${V1}/targets`)),
    meta: about(),
    refetchInterval: 10_000,
  });

export const heartbeats = () =>
  queryOptions({
    queryKey: ["heartbeats"],
    queryFn: () => take(api.GET(`${V1}/heartbeats`)),
    meta: about("heartbeat"),
    // Its time passes without anything that happens.
    refetchInterval: 30_000,
  });

export const heartbeat = (name: string) =>
  queryOptions({
    queryKey: ["heartbeat", name],
    queryFn: () => take(api.GET(`${V1}/heartbeats/{name}`, { params: { path: { name } } })),
    meta: about("heartbeat"),
  });

export const changes = ({ page: _, ...search }: ChangeSearch) =>
  queryOptions({
    queryKey: ["changes", search],
    queryFn: () => take(api.GET(`${V1}/changes`, { params: { query: { ...search, limit: PAGE_SIZE } } })),
    meta: about("change"),
    placeholderData: (previous) => previous,
  });

/** What changed in a window, for the marks on a chart; the window is rounded, so that a live chart does not ask each time. */
export const changesBetween = (start: number, end: number) => {
  const minute = (at: number) => new Date(Math.floor(at / 60_000) * 60_000).toISOString();
  const query = { since: minute(start), until: minute(end + 60_000), limit: 100 };
  return queryOptions({
    queryKey: ["changes-between", query],
    queryFn: () => take(api.GET(`${V1}/changes`, { params: { query } })),
    meta: about("change"),
    placeholderData: (previous) => previous,
  });
};

export const workflows = () =>
  queryOptions({ queryKey: ["workflows"], queryFn: () => take(api.GET(`${V1}/workflows`)), meta: about("run") });

export const runs = ({ page: _, ...search }: RunSearch) =>
  queryOptions({
    queryKey: ["runs", search],
    queryFn: () => take(api.GET(`${V1}/runs`, { params: { query: { ...search, limit: PAGE_SIZE } } })),
    meta: about("run"),
    placeholderData: (previous) => previous,
  });

export const run = (id: string) =>
  queryOptions({
    queryKey: ["run", id],
    queryFn: () => take(api.GET(`${V1}/runs/{id}`, { params: { path: { id } } })),
    meta: about("run"),
  });

export const receivers = () =>
  queryOptions({
    queryKey: ["receivers"],
    queryFn: () => take(api.GET(`${V1}/receivers`)),
    meta: about("notification"),
  });

export const notifications = ({ page: _, ...search }: DeliverySearch & { alert_id?: string; incident_id?: string }) =>
  queryOptions({
    queryKey: ["notifications", search],
    queryFn: () => take(api.GET(`${V1}/notifications`, { params: { query: { ...search, limit: PAGE_SIZE } } })),
    meta: about("notification"),
    placeholderData: (previous) => previous,
  });

export const notification = (id: string) =>
  queryOptions({
    queryKey: ["notification", id],
    queryFn: () => take(api.GET(`${V1}/notifications/{id}`, { params: { path: { id } } })),
    meta: about("notification"),
  });

export const notificationExplanation = (id: string) =>
  queryOptions({
    queryKey: ["notification-explain", id],
    queryFn: () => take(api.GET(`${V1}/notifications/{id}/explain`, { params: { path: { id } } })),
    meta: about("notification", "alert", "incident", "on_call"),
  });

export const routing = () =>
  queryOptions({ queryKey: ["routing"], queryFn: () => take(api.GET(`${V1}/routing`)), meta: about("notification") });

/** Which way an alert with these labels would go; what fires and who is on call is asked for anew when it changes. */
export const whichWay = (labels: Record<string, string>, at: string | undefined) =>
  queryOptions({
    queryKey: ["which-way", labels, at],
    queryFn: () => take(api.POST(`${V1}/routing/which`, { body: { labels, at } })),
    meta: about("alert", "silence", "on_call", "notification"),
    retry: false,
  });

export const selfWatch = () =>
  queryOptions({
    queryKey: ["self-watch"],
    queryFn: () => take(api.GET(`${V1}/self-watch`)),
    meta: about("drill"),
    refetchInterval: 10_000,
  });

export const drills = () =>
  queryOptions({ queryKey: ["drills"], queryFn: () => take(api.GET(`${V1}/drills`)), meta: about("drill") });

/** What happened, the newest first. */
export const ledger = ({ page: _, range, ...search }: LedgerSearch) =>
  queryOptions({
    queryKey: ["ledger", search, range],
    queryFn: () => {
      const since = range ? new Date(resolveRange({ range }, Date.now()).start).toISOString() : undefined;
      return take(api.GET(`${V1}/ledger`, { params: { query: { ...search, since, limit: PAGE_SIZE } } }));
    },
    // On the first page new entries appear by themselves; a later one stands still.
    meta: search.cursor ? about() : about("alert", "incident", "silence", "run", "notification"),
    placeholderData: (previous) => previous,
  });

/** Recomputes the whole chain: asked for by a person, never by itself. */
export const ledgerVerification = () =>
  queryOptions({
    queryKey: ["ledger-verification"],
    queryFn: () => take(api.GET(`${V1}/ledger/verify`)),
    enabled: false,
    retry: false,
  });

export const demo = () =>
  queryOptions({
    queryKey: ["demo"],
    queryFn: () => take(api.GET(`${V1}/demo`)),
    meta: about("fault"),
  });
