// Log records as they come in, the newest first. It can be held while somebody reads.

import { Alert, Button, Group, Text } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import { tailAddress } from "../../api/telemetry.ts";
import type { LogRecord, LogTail } from "../../api/types.ts";
import { plural } from "../../format/number.ts";
import { Section } from "../../parts/Page.tsx";
import type { LogsSearch } from "../../url/search.ts";
import { LogLine } from "./LogLine.tsx";

/** So many stay on the page. */
const KEPT = 500;

type Line = { key: number; record: LogRecord };

export function LiveTail({ search }: { search: LogsSearch }) {
  const address = tailAddress(search);
  const [lines, setLines] = useState<Line[]>([]);
  const [state, setState] = useState<"connecting" | "live" | "broken">("connecting");
  const [missed, setMissed] = useState(0);
  const [held, setHeld] = useState(false);
  const holding = useRef(held);
  holding.current = held;
  const waiting = useRef<Line[]>([]);
  const next = useRef(0);

  useEffect(() => {
    setLines([]);
    setMissed(0);
    setState("connecting");
    waiting.current = [];
    const stream = new EventSource(address, { withCredentials: true });
    stream.addEventListener("open", () => setState("live"));
    stream.addEventListener("error", () => setState("broken"));
    stream.addEventListener("records", (event) => {
      const tail = JSON.parse(event.data) as LogTail;
      if (tail.missed > 0) setMissed((before) => before + tail.missed);
      waiting.current = [
        ...tail.items.map((record) => ({ key: next.current++, record })).reverse(),
        ...waiting.current,
      ].slice(0, KEPT);
      if (!holding.current) {
        const arrived = waiting.current;
        waiting.current = [];
        setLines((before) => [...arrived, ...before].slice(0, KEPT));
      }
    });
    return () => stream.close();
  }, [address]);

  const resume = () => {
    setHeld(false);
    const arrived = waiting.current;
    waiting.current = [];
    setLines((before) => [...arrived, ...before].slice(0, KEPT));
  };
  return (
    <Section
      title="Live"
      aside={
        <Group gap="xs">
          <Text size="sm" c={state === "broken" ? "red" : "dimmed"} role="status">
            {state === "live" ? (held ? "held" : "following") : state === "broken" ? "connecting again" : "connecting"}
          </Text>
          <Button size="compact-sm" variant="default" onClick={() => (held ? resume() : setHeld(true))}>
            {held ? "Go on" : "Hold"}
          </Button>
        </Group>
      }
    >
      {missed > 0 && (
        <Alert color="violet" variant="light" mb="sm">
          {plural(missed, "record", "records")} more came in than can be shown live; a filter helps.
        </Alert>
      )}
      {lines.length === 0 ? (
        <Text size="sm" c="dimmed">
          Nothing that matches has come in yet.
        </Text>
      ) : (
        lines.map(({ key, record }) => <LogLine key={key} record={record} />)
      )}
    </Section>
  );
}
