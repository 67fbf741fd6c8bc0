import { describe, expect, test } from "vitest";
import { type EventStream, Live } from "../../src/api/live.ts";

class FakeStream implements EventStream {
  closed = false;
  #listeners = new Map<string, (event: { data?: unknown }) => void>();
  addEventListener(type: string, listener: (event: { data?: unknown }) => void) {
    this.#listeners.set(type, listener);
  }
  close() {
    this.closed = true;
  }
  emit(type: string, data?: unknown) {
    this.#listeners.get(type)?.({ data });
  }
}

/** A live connection over streams and timers that the test moves by hand. */
function rig() {
  const streams: FakeStream[] = [];
  const timers: { run: () => void; milliseconds: number; off: boolean }[] = [];
  const changes: unknown[] = [];
  const live = new Live({
    open: () => {
      const stream = new FakeStream();
      streams.push(stream);
      return stream;
    },
    later: (run, milliseconds) => {
      const timer = { run, milliseconds, off: false };
      timers.push(timer);
      return () => {
        timer.off = true;
      };
    },
    onChange: (kinds) => changes.push(kinds === "all" ? "all" : [...kinds]),
  });
  const fire = () => {
    for (const timer of timers.splice(0)) if (!timer.off) timer.run();
  };
  live.start();
  const last = () => streams.at(-1) as FakeStream;
  return { live, streams, timers, changes, fire, last };
}

describe("the live connection", () => {
  test("a storm of changes is handed on once, without repeats", () => {
    const { last, fire, changes } = rig();
    last().emit("open");
    for (let i = 0; i < 100; i += 1) last().emit("change", '{"kinds":["alert","incident"]}');
    last().emit("change", '{"kinds":["rule"]}');
    expect(changes).toEqual([]);
    fire();
    expect(changes).toEqual([["alert", "incident", "rule"]]);
  });

  test("what cannot be read is ignored", () => {
    const { last, fire, changes } = rig();
    for (const data of ["", "{", "[]", '{"kinds":"alert"}', '{"kinds":[1]}', undefined]) last().emit("change", data);
    fire();
    expect(changes).toEqual([]);
  });

  test("a lost connection is reopened, later each time, and then everything is read anew", () => {
    const { live, streams, timers, last, fire, changes } = rig();
    last().emit("open");
    expect(live.state).toBe("live");
    const waits: number[] = [];
    for (let i = 0; i < 6; i += 1) {
      last().emit("error");
      expect(live.state).toBe("reconnecting");
      waits.push(timers.at(-1)?.milliseconds ?? 0);
      fire();
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
    expect(streams.slice(0, -1).every((stream) => stream.closed)).toBe(true);
    last().emit("open");
    expect(live.state).toBe("live");
    expect(changes).toEqual(["all"]);
  });

  test("listeners hear each change of state once", () => {
    const { live, last } = rig();
    const seen: string[] = [];
    const off = live.subscribe(() => seen.push(live.state));
    last().emit("open");
    last().emit("open");
    off();
    last().emit("error");
    expect(seen).toEqual(["live"]);
  });

  test("a stopped connection stays closed", () => {
    const { live, streams, last, fire } = rig();
    last().emit("error");
    live.stop();
    fire();
    expect(streams.length).toBe(1);
  });
});
