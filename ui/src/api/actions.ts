// What people do: each action tells by a notice whether it worked, and refreshes what it may have changed.

import { notifications as notices } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { plural } from "../format/number.ts";
import { api, take } from "./client.ts";
import { asApiError } from "./problem.ts";
import type { components } from "./schema.gen.ts";
import type { PostMortemEdit, Priority, Role } from "./types.ts";

const V1 = "/api/watchkeeper/v1";

/** Runs `act`, says `done` when it worked and the problem when it did not. */
export function useAction<Input, Output>(act: (input: Input) => Promise<Output>, done: (output: Output) => string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: act,
    onSuccess: (output) => {
      notices.show({ message: done(output), color: "teal" });
      return client.invalidateQueries();
    },
    onError: (error) => {
      const problem = asApiError(error);
      notices.show({
        title: `${problem.code}: ${problem.title}`,
        message: problem.detail,
        color: "red",
        autoClose: 12_000,
      });
    },
  });
}

export const acknowledgeAlert = (id: string) =>
  take(api.POST(`${V1}/alerts/{id}/acknowledge`, { params: { path: { id } }, body: {} }));

export const acknowledgeAlerts = (alert_ids: string[]) =>
  take(api.POST(`${V1}/alerts/acknowledge`, { body: { alert_ids } }));

export const assignAlerts = (body: components["schemas"]["AssignAlerts"]) =>
  take(api.POST(`${V1}/alerts/assign`, { body }));

/** What became of a command about many: how many went through, and why the first of the others did not. */
export function manyChanged(done: string, { items, refused }: components["schemas"]["AlertsChanged"]): string {
  const through = `${done} ${plural(items.length, "alert")}`;
  const [first] = refused;
  return first ? `${through}; ${refused.length} refused: ${first.detail}` : through;
}

export const createSilence = (body: components["schemas"]["NewSilence"]) => take(api.POST(`${V1}/silences`, { body }));

export const expireSilence = (id: string) => take(api.DELETE(`${V1}/silences/{id}`, { params: { path: { id } } }));

export const declareIncident = (body: components["schemas"]["NewIncident"]) =>
  take(api.POST(`${V1}/incidents`, { body }));

/** The steps of an incident, in order, with the word on the button. */
export const INCIDENT_STEPS = ["acknowledge", "mitigate", "resolve", "close"] as const;
export type IncidentStepName = (typeof INCIDENT_STEPS)[number];

export function stepIncident({ id, step, note }: { id: string; step: IncidentStepName; note?: string }) {
  const options = { params: { path: { id } }, body: { note } };
  switch (step) {
    case "acknowledge":
      return take(api.POST(`${V1}/incidents/{id}/acknowledge`, options));
    case "mitigate":
      return take(api.POST(`${V1}/incidents/{id}/mitigate`, options));
    case "resolve":
      return take(api.POST(`${V1}/incidents/{id}/resolve`, options));
    case "close":
      return take(api.POST(`${V1}/incidents/{id}/close`, options));
  }
}

export const assignRole = ({ id, role, person }: { id: string; role: Role; person: string | null }) =>
  take(api.POST(`${V1}/incidents/{id}/assign`, { params: { path: { id } }, body: { role, person } }));

export const addNote = ({ id, text }: { id: string; text: string }) =>
  take(api.POST(`${V1}/incidents/{id}/notes`, { params: { path: { id } }, body: { text } }));

export const editPostMortem = ({ id, edit }: { id: string; edit: PostMortemEdit }) =>
  take(api.PUT(`${V1}/incidents/{id}/post-mortem`, { params: { path: { id } }, body: edit }));

export const saveActionItem = ({ id, item }: { id: string; item: components["schemas"]["NewActionItem"] }) =>
  take(api.POST(`${V1}/incidents/{id}/action-items`, { params: { path: { id } }, body: item }));

export const postMortemMarkdown = (id: string) =>
  take(api.GET(`${V1}/incidents/{id}/post-mortem.md`, { params: { path: { id } }, parseAs: "text" }));

export const startRun = ({ name, incident_id }: { name: string; incident_id?: string }) =>
  take(api.POST(`${V1}/workflows/{name}/run`, { params: { path: { name } }, body: { incident_id, inputs: {} } }));

export const cancelRun = (id: string) => take(api.POST(`${V1}/runs/{id}/cancel`, { params: { path: { id } } }));

export const testReceiver = (name: string) =>
  take(api.POST(`${V1}/receivers/{name}/test`, { params: { path: { name } } }));

export const previewMessage = ({ name, ...body }: { name: string } & components["schemas"]["MessageTrial"]) =>
  take(api.POST(`${V1}/receivers/{name}/preview`, { params: { path: { name } }, body }));

export const runDrill = () => take(api.POST(`${V1}/drills`));

export const confirmDrill = (id: string) => take(api.POST(`${V1}/drills/{id}/confirm`, { params: { path: { id } } }));

export const switchFault = ({ name, on }: { name: string; on: boolean }) =>
  on
    ? take(api.POST(`${V1}/demo/faults/{name}/on`, { params: { path: { name } } }))
    : take(api.POST(`${V1}/demo/faults/{name}/off`, { params: { path: { name } } }));

/** The priority that a person most likely means when declaring by hand. */
export const DEFAULT_PRIORITY: Priority = "high";
