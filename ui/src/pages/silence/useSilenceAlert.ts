// Silences one alert for some hours: exactly its labels, nothing wider.

import { createSilence, useAction } from "../../api/actions.ts";
import type { Alert } from "../../api/types.ts";
import { matchersFor } from "./matchers.ts";

export function useSilenceAlert() {
  return useAction(
    ({ alert, hours }: { alert: Alert; hours: number }) =>
      createSilence({
        matchers: matchersFor(alert),
        duration: `${hours}h`,
        comment: `Silenced from the console: ${alert.title}`.slice(0, 400),
      }),
    (silence) => `Silenced until ${new Date(silence.ends_at).toLocaleTimeString()}`,
  );
}
