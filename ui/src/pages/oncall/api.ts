// What the on-call page reads and writes.

import { queryOptions } from "@tanstack/react-query";
import { api, take } from "../../api/client.ts";
import type { components } from "../../api/schema.gen.ts";

const V1 = "/api/watchkeeper/v1/oncall";
const about = { kinds: ["on_call" as const] };

export type Schemas = components["schemas"];
export type Shift = Schemas["Shift"];
export type Override = Schemas["OnCallOverride"];
export type Calendar = Schemas["OnCallCalendar"];
export type Answer = Schemas["OnCallAnswer"];

export const schedules = () =>
  queryOptions({ queryKey: ["on-call", "schedules"], queryFn: () => take(api.GET(`${V1}/schedules`)), meta: about });

export const people = () =>
  queryOptions({ queryKey: ["on-call", "people"], queryFn: () => take(api.GET(`${V1}/people`)), meta: about });

export const calendar = (name: string, from: number, until: number) =>
  queryOptions({
    queryKey: ["on-call", "calendar", name, from, until],
    queryFn: () => {
      const query = { from: new Date(from).toISOString(), until: new Date(until).toISOString() };
      return take(api.GET(`${V1}/schedules/{name}`, { params: { path: { name }, query } }));
    },
    meta: about,
    placeholderData: (previous) => previous,
  });

export const escalations = () =>
  queryOptions({
    queryKey: ["on-call", "escalations"],
    queryFn: () => take(api.GET(`${V1}/escalations`)),
    meta: { kinds: ["on_call" as const, "alert" as const, "incident" as const] },
  });

export const createOverride = (body: Schemas["NewOnCallOverride"]) => take(api.POST(`${V1}/overrides`, { body }));

export const removeOverride = (id: string) => take(api.DELETE(`${V1}/overrides/{id}`, { params: { path: { id } } }));

export const addNote = ({ name, text }: { name: string; text: string }) =>
  take(api.POST(`${V1}/schedules/{name}/notes`, { params: { path: { name } }, body: { text } }));
