// The patterns of log messages: what there is much of, and what is new.

import { Alert, Badge, Group, Progress, Text, UnstyledButton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { logPatterns } from "../../api/telemetry.ts";
import type { LogPattern } from "../../api/types.ts";
import { count, plural } from "../../format/number.ts";
import { type Column, DataList } from "../../parts/DataList.tsx";
import { Empty } from "../../parts/Empty.tsx";
import { Section } from "../../parts/Page.tsx";
import { Loaded } from "../../parts/Problem.tsx";
import { When } from "../../parts/When.tsx";
import type { LogsSearch } from "../../url/search.ts";

const COLORS: Record<string, string> = { FATAL: "red", ERROR: "red", WARN: "orange", INFO: "blue" };

/** `onOpen` shows the records of a pattern. */
export function PatternList({ search, onOpen }: { search: LogsSearch; onOpen: (pattern: LogPattern) => void }) {
  const query = useQuery(logPatterns(search));
  const [onlyNew, setOnlyNew] = useState(false);
  return (
    <Loaded query={query} lines={8}>
      {({ items, records, total, incomplete }) => {
        const fresh = items.filter((p) => p.before === 0);
        const shown = onlyNew ? fresh : items;
        if (items.length === 0)
          return (
            <Empty title="No record matches" icon="search">
              Widen the time range or take a filter away.
            </Empty>
          );
        return (
          <Section
            title="Patterns"
            count={total}
            aside={
              <UnstyledButton aria-pressed={onlyNew} onClick={() => setOnlyNew(!onlyNew)} disabled={fresh.length === 0}>
                <Badge variant={onlyNew ? "filled" : "light"} color="grape">
                  {fresh.length} new
                </Badge>
              </UnstyledButton>
            }
          >
            {incomplete && (
              <Alert color="violet" variant="light" mb="sm" title="Not everything was looked at">
                {incomplete}
              </Alert>
            )}
            <Text size="sm" c="dimmed" mb="xs">
              Of {plural(records, "record", "records")}. New: not seen in the equally long time before.
            </Text>
            <DataList
              label="Patterns"
              items={shown}
              columns={columns(records, onOpen)}
              keyOf={(p) => p.pattern}
              onOpen={onOpen}
            />
          </Section>
        );
      }}
    </Loaded>
  );
}

const columns = (records: number, onOpen: (pattern: LogPattern) => void): Column<LogPattern>[] => [
  {
    header: "Records",
    numeric: true,
    width: 110,
    cell: (p) => (
      <>
        {count(p.count)}
        <Progress value={(p.count / Math.max(1, records)) * 100} size={4} aria-hidden color="gray" />
      </>
    ),
  },
  {
    header: "Before",
    numeric: true,
    width: 90,
    cell: (p) =>
      p.before === 0 ? (
        <Badge color="grape" variant="light">
          new
        </Badge>
      ) : (
        (p.before?.toLocaleString("en") ?? "?")
      ),
  },
  {
    header: "Severity",
    width: 100,
    cell: (p) => (
      <Text size="sm" fw={700} c={COLORS[p.severity] ?? "dimmed"}>
        {p.severity || "–"}
      </Text>
    ),
  },
  {
    header: "Pattern",
    lead: true,
    cell: (p) => (
      <div className="wk-wrap">
        <UnstyledButton className="wk-pattern" onClick={() => onOpen(p)} title={p.example}>
          {p.pattern}
        </UnstyledButton>
        <Group gap="xs">
          <Text size="xs" c="dimmed">
            {p.services.join(", ")}
          </Text>
        </Group>
      </div>
    ),
  },
  {
    header: "Last",
    width: 110,
    cell: (p) => (
      <Text size="sm">
        <When at={p.last_at} />
      </Text>
    ),
  },
];
