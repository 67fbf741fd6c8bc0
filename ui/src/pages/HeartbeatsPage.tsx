// Heartbeats: jobs that report when they ran, and when each is expected next.

import { Anchor, Code, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { heartbeat, heartbeats } from "../api/queries.ts";
import type { Heartbeat } from "../api/types.ts";
import { duration } from "../format/time.ts";
import { type Column, DataList } from "../parts/DataList.tsx";
import { Empty } from "../parts/Empty.tsx";
import { Labels } from "../parts/Labels.tsx";
import { Facts, Page, Section } from "../parts/Page.tsx";
import { Loaded } from "../parts/Problem.tsx";
import { PriorityBadge, StateBadge } from "../parts/StateBadge.tsx";
import { Age, When } from "../parts/When.tsx";
import { stateLook } from "../parts/words.ts";

export default function HeartbeatsPage() {
  const query = useQuery(heartbeats());
  const [open, setOpen] = useState<string | null>(null);
  const columns: Column<Heartbeat>[] = [
    { header: "State", badge: true, width: 150, cell: (h) => <StateBadge state={h.state} reason={h.detail} /> },
    {
      header: "Job",
      lead: true,
      cell: (h) => (
        <div className="wk-wrap">
          <Anchor component="button" type="button" fw={700} onClick={() => setOpen(open === h.name ? null : h.name)}>
            {h.name}
          </Anchor>
          <Text size="xs" c="dimmed" component="div">
            {h.schedule} · grace {h.grace}
            {h.running_since && (
              <>
                {" "}
                · running for <Age since={h.running_since} />
              </>
            )}
          </Text>
          {h.detail && (
            <Text size="sm" c={stateLook(h.state).color}>
              {h.detail}
            </Text>
          )}
        </div>
      ),
    },
    { header: "Last success", width: 130, cell: (h) => <When at={h.last_success_at} /> },
    {
      header: "Took",
      numeric: true,
      width: 90,
      cell: (h) => (h.last_duration_ms == null ? "–" : duration(h.last_duration_ms)),
    },
    { header: "Expected", width: 130, cell: (h) => <When at={h.expected_at} missing="–" /> },
    { header: "Priority", width: 110, cell: (h) => <PriorityBadge priority={h.priority} /> },
  ];
  return (
    <Page title="Heartbeats" lead="Jobs that report when they ran. One that never reported is unknown, not well.">
      <Loaded query={query}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No job is expected to report" icon="running" command="watchkeeper heartbeat list">
              Add `heartbeats` to the configuration: a name, and `every` or `cron`. Each gets an address of its own:
            </Empty>
          ) : (
            <Stack gap="md">
              <DataList
                label="Heartbeats"
                items={items}
                columns={columns}
                keyOf={(h) => h.name}
                onOpen={(h) => setOpen(h.name)}
              />
              {open !== null && <Beats name={open} />}
            </Stack>
          )
        }
      </Loaded>
    </Page>
  );
}

function Beats({ name }: { name: string }) {
  const query = useQuery(heartbeat(name));
  return (
    <Section title={name}>
      <Loaded query={query}>
        {(h) => (
          <Stack gap="sm">
            <Facts
              items={[
                ["Address", h.url ? <Code key="u">{h.url}</Code> : "shown to responders"],
                ["Last failure", <When key="f" at={h.last_failure_at} />],
                ["Exit status", h.last_exit_code ?? "–"],
                ["Runs that overlapped", h.overlapping_runs],
                ["Late at", <When key="d" at={h.deadline_at} missing="–" />],
              ]}
            />
            <Labels labels={h.labels} />
            {h.beats.length === 0 ? (
              <Text size="sm" c="dimmed">
                It has not reported yet.
              </Text>
            ) : (
              <DataList
                label={`Beats of ${name}`}
                items={h.beats.slice(0, 50)}
                keyOf={(b) => `${b.at} ${b.kind}`}
                columns={[
                  { header: "When", lead: true, width: 130, cell: (b) => <When at={b.at} /> },
                  { header: "Said", width: 110, cell: (b) => b.kind },
                  { header: "Exit status", numeric: true, width: 100, cell: (b) => b.exit_code ?? "–" },
                  {
                    header: "Took",
                    numeric: true,
                    width: 90,
                    cell: (b) => (b.duration_ms == null ? "–" : duration(b.duration_ms)),
                  },
                  { header: "Run", width: 160, cell: (b) => <span className="wk-wrap">{b.run ?? "–"}</span> },
                  {
                    header: "Body",
                    wide: true,
                    cell: (b) => (
                      <Text size="xs" ff="monospace" className="wk-wrap" lineClamp={3}>
                        {b.body ?? ""}
                      </Text>
                    ),
                  },
                ]}
              />
            )}
          </Stack>
        )}
      </Loaded>
    </Section>
  );
}
