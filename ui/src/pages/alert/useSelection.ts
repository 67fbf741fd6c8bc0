// Which alerts are chosen for a command about many. Kept while the reader turns pages and filters; gone with the page.

import { useMemo, useState } from "react";
import type { Alert } from "../../api/types.ts";
import type { Selection } from "../../parts/DataList.tsx";

/** The server takes so many in one command. */
export const MOST_CHOSEN = 1_000;

export type Chosen = { selection: Selection; alerts: Alert[]; clear: () => void };

export function useSelection(shown: Alert[]): Chosen {
  // The alerts themselves, not their ids alone: those on another page are needed too, for the matchers of a silence.
  const [chosen, setChosen] = useState<ReadonlyMap<string, Alert>>(new Map());
  return useMemo(() => {
    const known = new Map(shown.map((alert) => [alert.id, alert]));
    const change = (edit: (next: Map<string, Alert>) => void) =>
      setChosen((before) => {
        const next = new Map(before);
        edit(next);
        return next.size > MOST_CHOSEN ? before : next;
      });
    const add = (next: Map<string, Alert>, key: string) => {
      const alert = known.get(key);
      if (alert) next.set(key, alert);
    };
    return {
      selection: {
        chosen: new Set(chosen.keys()),
        toggle: (key) => change((next) => next.delete(key) || add(next, key)),
        toggleAll: (keys) =>
          change((next) => {
            if (keys.every((key) => next.has(key))) for (const key of keys) next.delete(key);
            else for (const key of keys) add(next, key);
          }),
      },
      alerts: [...chosen.values()],
      clear: () => setChosen(new Map()),
    };
  }, [shown, chosen]);
}
