// Whether all is well, in three values: yes, not known, or nobody is looking. Silence alone is never "well".

import type { Overview } from "../../api/types.ts";

/** `trouble`: something is open or firing. `unwatched`: no rule, so silence means nothing. `blind`: rules, but no
 * telemetry. `doubtful`: nothing fires, but something could not be checked. `well`: everything was checked. */
export type Verdict = "trouble" | "unwatched" | "blind" | "doubtful" | "well";

/** Telemetry older than this is no longer "now". */
const STALE_MS = 5 * 60_000;

export function verdict(now: Overview): Verdict {
  if (now.incidents.length + now.alerts.length > 0) return "trouble";
  if (now.rules_total === 0) return "unwatched";
  if (!now.last_telemetry_at) return "blind";
  return hasDoubts(now) ? "doubtful" : "well";
}

/** Whether anything could not be checked, or contradicts the quiet. */
export function hasDoubts(now: Overview): boolean {
  const { down, unknown } = now.probes;
  return now.unknown_rules.length + now.failing_receivers.length + down + unknown > 0 || isStale(now);
}

/** Whether telemetry came once but comes no more. Compared with the server's clock, for the reader's may be wrong. */
export function isStale(now: Overview): boolean {
  return now.last_telemetry_at != null && Date.parse(now.at) - Date.parse(now.last_telemetry_at) > STALE_MS;
}
