// Probes: what Watchkeeper checks from outside, and how the last checks went.

import { Text, Tooltip } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { probes } from "../api/queries.ts";
import type { Probe } from "../api/types.ts";
import { duration } from "../format/time.ts";
import { type Column, DataList } from "../parts/DataList.tsx";
import { Empty } from "../parts/Empty.tsx";
import { SafeLink } from "../parts/Labels.tsx";
import { Page } from "../parts/Page.tsx";
import { Loaded } from "../parts/Problem.tsx";
import { StateBadge } from "../parts/StateBadge.tsx";
import { Age, When } from "../parts/When.tsx";
import { stateLook } from "../parts/words.ts";

const COLUMNS: Column<Probe>[] = [
  { header: "State", badge: true, width: 110, cell: (p) => <StateBadge state={p.state} reason={p.detail} /> },
  {
    header: "Probe",
    lead: true,
    cell: (p) => (
      <div className="wk-wrap">
        <b>{p.name}</b>
        <Text size="xs" c="dimmed" component="div">
          {p.kind} · <SafeLink href={p.target} /> · every {p.interval}
        </Text>
        {p.state !== "up" && p.detail && (
          <Text size="sm" c={stateLook(p.state).color}>
            {p.detail}
          </Text>
        )}
      </div>
    ),
  },
  { header: "Last results", wide: true, width: 220, cell: (p) => <History probe={p} /> },
  {
    header: "Took",
    numeric: true,
    width: 85,
    cell: (p) => (p.last_duration_ms == null ? "–" : duration(p.last_duration_ms)),
  },
  {
    header: "Last run",
    width: 115,
    cell: (p) => (
      <Text size="sm">
        <When at={p.last_run_at} />
      </Text>
    ),
  },
  { header: "For", numeric: true, width: 95, cell: (p) => <Age since={p.since} /> },
  {
    header: "Certificate",
    width: 115,
    cell: (p) => (
      <Text size="sm">
        <When at={p.certificate_expires_at} missing="–" />
      </Text>
    ),
  },
];

export default function ProbesPage() {
  const query = useQuery(probes());
  return (
    <Page title="Probes" lead="Checks from outside. A probe that did not run is unknown, not up.">
      <Loaded query={query}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No probe is configured" icon="probe" command="watchkeeper check --schema">
              A probe tells that a service is unreachable even when it sends no telemetry. The schema of the
              configuration says what a probe may be:
            </Empty>
          ) : (
            <DataList label="Probes" items={items} columns={COLUMNS} keyOf={(p) => p.name} />
          )
        }
      </Loaded>
    </Page>
  );
}

function History({ probe }: { probe: Probe }) {
  const recent = probe.history.slice(-30);
  const count = (state: string) => recent.filter((r) => r.state === state).length;
  const summary = `Last ${recent.length} results: ${count("up")} up, ${count("down")} down, ${count("unknown")} unknown`;
  return (
    <Tooltip label={summary}>
      <span className="wk-ticks" role="img" aria-label={summary}>
        {recent.map((result) => (
          <i
            key={result.at}
            style={{
              background: `var(--mantine-color-${stateLook(result.state).color}-6)`,
              // The height tells it too, for those who do not tell the colours apart.
              transform: result.state === "up" ? undefined : `scaleY(${result.state === "down" ? 0.45 : 0.7})`,
              transformOrigin: "bottom",
            }}
          />
        ))}
      </span>
    </Tooltip>
  );
}
