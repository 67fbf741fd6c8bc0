// The live connection: server-sent events tell what kinds of objects changed, and the queries about them are refetched.
// When it is down, pages poll; the state is shown, because a stale page that looks live is worse than none.

import type { ChangeKind } from "./types.ts";

export type LiveState = "connecting" | "live" | "reconnecting";

/** The part of `EventSource` that is used here, so that a test can stand in for it. */
export interface EventStream {
  addEventListener(type: string, listener: (event: { data?: unknown }) => void): void;
  close(): void;
}

export interface LiveOptions {
  open: () => EventStream;
  /** Calls back later; gives back how to call it off. */
  later: (run: () => void, milliseconds: number) => () => void;
  /** Objects of these kinds changed; `"all"` after a gap, when nobody knows what was missed. */
  onChange: (kinds: ReadonlySet<ChangeKind> | "all") => void;
}

/** Changes within this time are handed on together, so that a storm of alerts costs one refetch. */
const COALESCE_MS = 250;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 15_000;

export class Live {
  #options: LiveOptions;
  #state: LiveState = "connecting";
  #listeners = new Set<() => void>();
  #stream: EventStream | null = null;
  #pending = new Set<ChangeKind>();
  #cancelFlush: (() => void) | null = null;
  #cancelRetry: (() => void) | null = null;
  #retry = FIRST_RETRY_MS;
  #lost = false;

  constructor(options: LiveOptions) {
    this.#options = options;
  }

  get state(): LiveState {
    return this.#state;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  start(): void {
    if (this.#stream) return;
    const stream = this.#options.open();
    this.#stream = stream;
    stream.addEventListener("open", () => {
      this.#retry = FIRST_RETRY_MS;
      if (this.#lost) this.#options.onChange("all");
      this.#lost = false;
      this.#set("live");
    });
    stream.addEventListener("change", (event) => this.#collect(event.data));
    stream.addEventListener("error", () => this.#reconnect());
  }

  stop(): void {
    this.#cancelRetry?.();
    this.#cancelFlush?.();
    this.#cancelFlush = null;
    this.#stream?.close();
    this.#stream = null;
  }

  // EventSource retries by itself after a cut connection but gives up for good after a refusal (a proxy's 502
  // while the server restarts), so both are handled alike here.
  #reconnect(): void {
    this.#stream?.close();
    this.#stream = null;
    this.#lost = true;
    this.#set("reconnecting");
    this.#cancelRetry?.();
    this.#cancelRetry = this.#options.later(() => this.start(), this.#retry);
    this.#retry = Math.min(this.#retry * 2, LONGEST_RETRY_MS);
  }

  #collect(data: unknown): void {
    for (const kind of changedKinds(data)) this.#pending.add(kind);
    if (this.#pending.size === 0 || this.#cancelFlush) return;
    this.#cancelFlush = this.#options.later(() => {
      const kinds = this.#pending;
      this.#pending = new Set();
      this.#cancelFlush = null;
      this.#options.onChange(kinds);
    }, COALESCE_MS);
  }

  #set(state: LiveState): void {
    if (this.#state === state) return;
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

function changedKinds(data: unknown): ChangeKind[] {
  try {
    const parsed: unknown = JSON.parse(String(data));
    const kinds = (parsed as { kinds?: unknown }).kinds;
    return Array.isArray(kinds) ? kinds.filter((kind): kind is ChangeKind => typeof kind === "string") : [];
  } catch {
    return [];
  }
}
