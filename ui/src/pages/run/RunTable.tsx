// Workflow runs as a list.

import { Text } from "@mantine/core";
import { Link, useNavigate } from "@tanstack/react-router";
import type { Run } from "../../api/types.ts";
import { type Column, DataList } from "../../parts/DataList.tsx";
import { StateBadge } from "../../parts/StateBadge.tsx";
import { Age, When } from "../../parts/When.tsx";
import { actorWord } from "../../parts/words.ts";

const COLUMNS: Column<Run>[] = [
  { header: "State", badge: true, width: 160, cell: (r) => <StateBadge state={r.state} /> },
  {
    header: "Workflow",
    lead: true,
    cell: (r) => (
      <div className="wk-wrap">
        <Link to="/runs/$id" params={{ id: r.id }}>
          {r.workflow}
        </Link>
        {r.target && (
          <Text span size="sm" c="dimmed">
            {" "}
            on {r.target}
          </Text>
        )}
      </div>
    ),
  },
  {
    header: "Outcome",
    wide: true,
    cell: (r) => (
      <Text size="sm" className="wk-wrap">
        {r.outcome}
      </Text>
    ),
  },
  {
    header: "Started by",
    wide: true,
    width: 170,
    cell: (r) => (
      <Text size="sm" className="wk-wrap">
        {actorWord(r.started_by)}
      </Text>
    ),
  },
  {
    header: "When",
    width: 115,
    cell: (r) => (
      <Text size="sm">
        <When at={r.created_at} />
      </Text>
    ),
  },
  {
    header: "Took",
    numeric: true,
    width: 85,
    cell: (r) => (r.started_at ? <Age since={r.started_at} until={r.finished_at} /> : "–"),
  },
];

export function RunTable({ runs, empty }: { runs: Run[]; empty: string }) {
  const navigate = useNavigate();
  if (runs.length === 0)
    return (
      <Text size="sm" c="dimmed">
        {empty}
      </Text>
    );
  return (
    <DataList
      label="Runs"
      items={runs}
      columns={COLUMNS}
      keyOf={(r) => r.id}
      onOpen={(r) => void navigate({ to: "/runs/$id", params: { id: r.id } })}
    />
  );
}
