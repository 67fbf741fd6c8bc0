// The one query client and the one live connection of the page.

import { QueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { type EventStream, Live, type LiveState } from "./live.ts";
import { ApiError } from "./problem.ts";
import type { ChangeKind } from "./types.ts";

/** How often to poll while live (only against missed events) and while not. */
const SLOW_MS = 60_000;
const FAST_MS = 5_000;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 2_000,
      refetchInterval: () => (live.state === "live" ? SLOW_MS : FAST_MS),
      // A refusal will not change by asking again; a lost connection may.
      retry: (count, error) => count < 1 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
    },
  },
});

export const live = new Live({
  open: () => new EventSource("/api/watchkeeper/v1/events") as unknown as EventStream,
  later: (run, milliseconds) => {
    const timer = setTimeout(run, milliseconds);
    return () => clearTimeout(timer);
  },
  onChange: (kinds) => {
    void queryClient.invalidateQueries({
      predicate: (query) => {
        const about = query.meta?.kinds as ChangeKind[] | undefined;
        return kinds === "all" || (about?.some((kind) => kinds.has(kind)) ?? false);
      },
    });
  },
});

export function useLiveState(): LiveState {
  return useSyncExternalStore(live.subscribe, () => live.state);
}
