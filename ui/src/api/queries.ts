// What pages read, each with the kinds of change that make it stale. Not what they write: see `actions.ts`.

import { queryOptions } from "@tanstack/react-query";
import type { AlertSearch, DeliverySearch, IncidentListSearch, RunSearch } from "../url/search.ts";
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

export const alerts = (search: AlertSearch) =>
  queryOptions({
    queryKey: ["alerts", search],
    queryFn: () => take(api.GET(`${V1}/alerts`, { params: { query: { ...search, limit: 500 } } })),
    meta: about("alert", "incident", "silence"),
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

export const silences = (state?: string) =>
  queryOptions({
    queryKey: ["silences", state],
    queryFn: () => take(api.GET(`${V1}/silences`, { params: { query: { state, limit: 500 } } })),
    meta: about("silence", "alert"),
  });

export const incidents = (search: IncidentListSearch) =>
  queryOptions({
    queryKey: ["incidents", search],
    queryFn: () => take(api.GET(`${V1}/incidents`, { params: { query: { ...search, limit: 200 } } })),
    meta: about("incident"),
    placeholderData: (previous) => previous,
  });

export const incident = (id: string) =>
  queryOptions({
    queryKey: ["incident", id],
    queryFn: () => take(api.GET(`${V1}/incidents/{id}`, { params: { path: { id } } })),
    meta: about("incident", "alert", "run", "notification"),
  });

export const postMortem = (id: string) =>
  queryOptions({
    queryKey: ["post-mortem", id],
    queryFn: () => take(api.GET(`${V1}/incidents/{id}/post-mortem`, { params: { path: { id } } })),
    meta: about("incident"),
  });

export const rules = () =>
  queryOptions({
    queryKey: ["rules"],
    queryFn: () => take(api.GET(`${V1}/rules`)),
    meta: about("rule", "alert"),
    refetchInterval: 10_000,
  });

export const probes = () =>
  queryOptions({ queryKey: ["probes"], queryFn: () => take(api.GET(`${V1}/probes`)), meta: about("probe") });

export const workflows = () =>
  queryOptions({ queryKey: ["workflows"], queryFn: () => take(api.GET(`${V1}/workflows`)), meta: about("run") });

export const runs = (search: RunSearch) =>
  queryOptions({
    queryKey: ["runs", search],
    queryFn: () => take(api.GET(`${V1}/runs`, { params: { query: { ...search, limit: 100 } } })),
    meta: about("run"),
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

export const notifications = (search: DeliverySearch & { alert_id?: string; incident_id?: string }) =>
  queryOptions({
    queryKey: ["notifications", search],
    queryFn: () => take(api.GET(`${V1}/notifications`, { params: { query: { ...search, limit: 200 } } })),
    meta: about("notification"),
  });

export const demo = () =>
  queryOptions({
    queryKey: ["demo"],
    queryFn: () => take(api.GET(`${V1}/demo`)),
    meta: about("fault"),
  });
