// Each state's word, icon and colour, in one table: the same state looks the same on every page.

import type { IconName } from "./icons.tsx";

export type Look = { word: string; icon: IconName; color: string };

const look = (word: string, icon: IconName, color: string): Look => ({ word, icon, color });

const STATES: Record<string, Look> = {
  // alerts and rules
  firing: look("Firing", "firing", "red"),
  pending: look("Pending", "pending", "yellow"),
  unknown: look("Unknown", "unknown", "violet"),
  resolved: look("Resolved", "ok", "teal"),
  ok: look("OK", "ok", "teal"),
  // incidents
  triggered: look("Triggered", "incident", "red"),
  acknowledged: look("Acknowledged", "hand", "orange"),
  mitigated: look("Mitigated", "down", "blue"),
  closed: look("Closed", "ok", "gray"),
  // outcomes and runs
  waiting: look("Waiting", "waiting", "yellow"),
  stopped: look("Held back", "stopped", "orange"),
  failed: look("Failed", "failed", "red"),
  info: look("Info", "info", "gray"),
  running: look("Running", "running", "blue"),
  succeeded: look("Succeeded", "ok", "teal"),
  handed_over: look("Handed to people", "person", "orange"),
  refused: look("Refused by guard", "stopped", "orange"),
  cancelled: look("Cancelled", "stopped", "gray"),
  skipped: look("Skipped", "dash", "gray"),
  // deliveries and receivers
  sending: look("Sending", "running", "blue"),
  delivered: look("Delivered", "ok", "teal"),
  retrying: look("Retrying", "running", "orange"),
  uncertain: look("Uncertain", "unknown", "violet"),
  suppressed: look("Held back", "mute", "gray"),
  failing: look("Failing", "failed", "red"),
  untested: look("Untested", "unknown", "violet"),
  // fire drills
  confirmed: look("Confirmed", "ok", "teal"),
  missed: look("Nobody confirmed", "failed", "red"),
  // probes
  up: look("Up", "ok", "teal"),
  down: look("Down", "failed", "red"),
  // heartbeats and changes
  new: look("Never reported", "unknown", "violet"),
  grace: look("Expected now", "waiting", "yellow"),
  late: look("Late", "failed", "red"),
  started: look("Under way", "running", "blue"),
  // silences
  active: look("Active", "mute", "blue"),
  expired: look("Expired", "dash", "gray"),
  // action items, spans
  open: look("Open", "waiting", "yellow"),
  done: look("Done", "ok", "teal"),
  error: look("Error", "failed", "red"),
  unset: look("No error", "dash", "gray"),
};

/** A state that this console does not know yet is shown by its own word, never hidden. */
export function stateLook(state: string): Look {
  return STATES[state] ?? look(state.replaceAll("_", " "), "info", "gray");
}

const PRIORITIES: Record<string, Look> = {
  critical: look("Critical", "double", "red"),
  high: look("High", "up", "orange"),
  medium: look("Medium", "dash", "yellow"),
  low: look("Low", "down", "gray"),
};

export function priorityLook(priority: string): Look {
  return PRIORITIES[priority] ?? look(priority, "info", "gray");
}

export const PRIORITY_WORDS = ["critical", "high", "medium", "low"] as const;

const CATEGORIES: Record<string, string> = {
  resource: "Resource",
  database: "Database",
  registry: "Registry",
  keyvault: "Key vault",
  application: "Application",
  security: "Security",
  business: "Business",
};

export const CATEGORY_WORDS = Object.keys(CATEGORIES);
export const categoryWord = (category: string): string => CATEGORIES[category] ?? category;

const ROLES: Record<string, string> = {
  incident_commander: "Incident commander",
  communications_lead: "Communications lead",
  operations_lead: "Operations lead",
  scribe: "Scribe",
};

export const ROLE_WORDS = Object.keys(ROLES);
export const roleWord = (role: string): string => ROLES[role] ?? role;

/** `user:alice` as `alice`, `rule:payments/Down` as `rule payments/Down`. */
export function actorWord(actor: string): string {
  if (actor === "system") return "Watchkeeper";
  const [kind, ...rest] = actor.split(":");
  return kind === "user" && rest.length > 0 ? rest.join(":") : actor.replace(":", " ");
}

const COMPARISONS: Record<string, string> = { gt: ">", ge: "≥", lt: "<", le: "≤", eq: "=", ne: "≠" };
export const comparisonSign = (comparison: string | null | undefined): string => COMPARISONS[comparison ?? ""] ?? "";

const ENTRIES: Record<string, Look> = {
  state: look("Change of state", "incident", "blue"),
  alert: look("Alert", "bell", "red"),
  role: look("Role", "person", "blue"),
  note: look("Note", "info", "gray"),
  notification: look("Notification", "send", "teal"),
  workflow: look("Workflow", "flow", "grape"),
  status_page: look("Status page", "eye", "blue"),
  change: look("Change", "rule", "yellow"),
};

/** How an entry of a timeline looks, by its kind. */
export const entryLook = (kind: string): Look => ENTRIES[kind] ?? look(kind.replaceAll("_", " "), "info", "gray");

const EVIDENCE: Record<string, Look> = {
  value: look("Value", "chart", "blue"),
  dimension: look("What moved most", "chart", "blue"),
  log_pattern: look("Log pattern", "rule", "orange"),
  trace: look("Trace", "flow", "grape"),
  change: look("Change", "waiting", "yellow"),
  past_incident: look("Past incident", "back", "teal"),
  neighbour: look("Neighbour", "probe", "gray"),
};

/** How a piece of evidence looks, by its kind. */
export const evidenceLook = (kind: string): Look => EVIDENCE[kind] ?? look(kind.replaceAll("_", " "), "info", "gray");
