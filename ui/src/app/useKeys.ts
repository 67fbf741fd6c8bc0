// Connects the keyboard to `keys.ts` and hands commands to whoever on the page wants them.

import { useEffect, useLayoutEffect, useRef } from "react";
import { type Command, press, START } from "./keys.ts";

const EVENT = "watchkeeper:command";
/** Where keys are text. A ticked box takes none, so that rows can be ticked and then acted on. */
const TYPING = "input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable=true]";

/** Listens to the keyboard; once, in the shell. */
export function useKeyboard(): void {
  const state = useRef(START);
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      const target = event.target instanceof HTMLElement ? event.target : null;
      const typing = target?.closest(TYPING) != null;
      // Enter on a focused link or button already means something, and an open dialog owns the keyboard.
      const taken = event.key === "Enter" && target?.closest("a, button, [role=button]") != null;
      const dialog = document.querySelector("[role=dialog]") !== null;
      const [next, command] = press(state.current, {
        key: event.key,
        now: event.timeStamp,
        typing: typing || taken || dialog,
        modified: event.ctrlKey || event.metaKey || event.altKey,
      });
      state.current = next;
      if (command) {
        event.preventDefault();
        window.dispatchEvent(new CustomEvent<Command>(EVENT, { detail: command }));
      }
    };
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, []);
}

/** Calls `handle` for each command while the component is on the page. */
export function useCommand(handle: (command: Command) => void): void {
  const latest = useRef(handle);
  // With the page, not after it: who sees a row can act on that row.
  useLayoutEffect(() => {
    latest.current = handle;
  });
  useEffect(() => {
    const listen = (event: Event) => latest.current((event as CustomEvent<Command>).detail);
    window.addEventListener(EVENT, listen);
    return () => window.removeEventListener(EVENT, listen);
  }, []);
}
