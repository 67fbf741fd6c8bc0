// Keys and what they mean. Pure: a press goes in, the next state and perhaps a command come out.

export type Command =
  | { kind: "go"; to: string }
  | { kind: "help" }
  | { kind: "search" }
  | { kind: "move"; by: 1 | -1 }
  | { kind: "open" }
  | { kind: "select" }
  | { kind: "acknowledge" }
  | { kind: "silence" };

export type KeyState = { prefix: "g" | null; at: number };
export const START: KeyState = { prefix: null, at: 0 };

/** A `g` waits this long for its second key. */
const PREFIX_MS = 1_200;

export const DESTINATIONS: Record<string, { to: string; word: string }> = {
  n: { to: "/", word: "Now" },
  a: { to: "/alerts", word: "Alerts" },
  i: { to: "/incidents", word: "Incidents" },
  r: { to: "/rules", word: "Rules" },
  w: { to: "/workflows", word: "Workflows" },
  t: { to: "/telemetry/metrics", word: "Telemetry" },
  d: { to: "/deliveries", word: "Deliveries" },
  l: { to: "/ledger", word: "Ledger" },
  p: { to: "/probes", word: "Probes" },
  c: { to: "/targets", word: "Targets" },
  s: { to: "/silences", word: "Silences" },
  o: { to: "/on-call", word: "On call" },
};

export const SINGLE: { key: string; word: string; command: Command }[] = [
  { key: "j", word: "Next row", command: { kind: "move", by: 1 } },
  { key: "k", word: "Row before", command: { kind: "move", by: -1 } },
  { key: "Enter", word: "Open the row", command: { kind: "open" } },
  { key: "x", word: "Select the row for a command about many", command: { kind: "select" } },
  { key: "a", word: "Acknowledge", command: { kind: "acknowledge" } },
  { key: "s", word: "Silence for an hour", command: { kind: "silence" } },
  { key: "/", word: "Go to the search field", command: { kind: "search" } },
  { key: "?", word: "This list", command: { kind: "help" } },
];

export type Press = { key: string; now: number; typing: boolean; modified: boolean };

export function press(state: KeyState, { key, now, typing, modified }: Press): [KeyState, Command | null] {
  if (typing || modified) return [START, null];
  if (state.prefix === "g" && now - state.at <= PREFIX_MS) {
    const destination = DESTINATIONS[key];
    return [START, destination ? { kind: "go", to: destination.to } : null];
  }
  if (key === "g") return [{ prefix: "g", at: now }, null];
  return [START, SINGLE.find((entry) => entry.key === key)?.command ?? null];
}
