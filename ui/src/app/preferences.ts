// What a reader prefers, kept in this browser: UTC or local time. The colour scheme is kept by Mantine.

import { useSyncExternalStore } from "react";

const KEY = "watchkeeper.utc";
const listeners = new Set<() => void>();
let utc = read();

function read(): boolean {
  try {
    return localStorage.getItem(KEY) === "1";
  } catch {
    return false;
  }
}

export function setUtc(next: boolean): void {
  utc = next;
  try {
    localStorage.setItem(KEY, next ? "1" : "0");
  } catch {
    // Storage is switched off: the choice lasts as long as the page.
  }
  for (const listener of listeners) listener();
}

export function useUtc(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => utc,
  );
}
