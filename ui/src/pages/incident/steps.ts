// Which steps an incident may take from its state. The server decides; this only says which buttons to show.

import type { IncidentStepName } from "../../api/actions.ts";
import type { Incident } from "../../api/types.ts";

const STEPS: Record<Incident["state"], IncidentStepName[]> = {
  triggered: ["acknowledge", "mitigate", "resolve"],
  acknowledged: ["mitigate", "resolve"],
  mitigated: ["resolve"],
  resolved: ["close"],
  closed: [],
};

export const nextSteps = (state: Incident["state"]): IncidentStepName[] => STEPS[state] ?? [];
