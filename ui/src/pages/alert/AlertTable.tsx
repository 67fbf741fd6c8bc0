// Alerts as a list, wherever one is shown: state, title, value, age, owner.

import { Group, Text } from "@mantine/core";
import { Link, useNavigate } from "@tanstack/react-router";
import { acknowledgeAlert, useAction } from "../../api/actions.ts";
import type { Alert } from "../../api/types.ts";
import { quantity } from "../../format/number.ts";
import { type Column, DataList, type Selection } from "../../parts/DataList.tsx";
import { Icon } from "../../parts/icons.tsx";
import { Labels } from "../../parts/Labels.tsx";
import { PriorityBadge, StateBadge } from "../../parts/StateBadge.tsx";
import { Age } from "../../parts/When.tsx";
import { categoryWord } from "../../parts/words.ts";
import { useSilenceAlert } from "../silence/useSilenceAlert.ts";

const COLUMNS: Column<Alert>[] = [
  { header: "State", badge: true, width: 120, cell: (a) => <StateBadge state={a.state} reason={a.unknown_reason} /> },
  {
    header: "Alert",
    lead: true,
    sorts: [{ by: "name", way: "ascending" }],
    cell: (a) => (
      <div className="wk-wrap">
        <Link to="/alerts/$id" params={{ id: a.id }}>
          {a.title}
        </Link>
        <Labels labels={a.labels} limit={4} />
      </div>
    ),
  },
  {
    header: "Priority",
    badge: true,
    width: 105,
    sorts: [{ by: "urgency", way: "descending" }],
    cell: (a) => <PriorityBadge priority={a.priority} />,
  },
  {
    header: "Service",
    width: 120,
    cell: (a) => (
      <Text size="sm" className="wk-service" component="div" title={a.service ?? undefined}>
        {a.service}
        <Text size="xs" c="dimmed">
          {categoryWord(a.category)}
        </Text>
      </Text>
    ),
  },
  {
    header: "Value",
    numeric: true,
    width: 90,
    cell: (a) => (
      <>
        {quantity(a.value)}
        {a.threshold !== null && a.threshold !== undefined && (
          <Text span inherit c="dimmed">
            {" "}
            / {quantity(a.threshold)}
          </Text>
        )}
      </>
    ),
  },
  {
    header: "Age",
    numeric: true,
    width: 95,
    sorts: [
      { by: "newest", way: "ascending" },
      { by: "oldest", way: "descending" },
    ],
    cell: (a) => <Age since={a.since} until={a.state === "resolved" ? a.resolved_at : null} />,
  },
  {
    header: "Owner",
    width: 140,
    cell: (a) => (
      <Group gap={6} wrap="nowrap">
        {a.suppressed && <Icon name="mute" size={14} />}
        <Text size="sm" c={a.owner ? undefined : "dimmed"}>
          {a.owner ?? "nobody"}
        </Text>
        {a.suppressed && <span className="wk-sr">notifications are held back</span>}
      </Group>
    ),
  },
];

type Props = {
  alerts: Alert[];
  label: string;
  sort?: string;
  onSort?: (by: string) => void;
  selection?: Selection;
};

export function AlertTable({ alerts, label, ...list }: Props) {
  const navigate = useNavigate();
  const acknowledge = useAction(acknowledgeAlert, (a) => `Acknowledged: ${a.title}`);
  const silence = useSilenceAlert();
  return (
    <DataList
      label={label}
      items={alerts}
      columns={COLUMNS}
      keyOf={(a) => a.id}
      nameOf={(a) => a.title}
      onOpen={(a) => void navigate({ to: "/alerts/$id", params: { id: a.id } })}
      onCommand={(command, a) =>
        command === "acknowledge" ? acknowledge.mutate(a.id) : silence.mutate({ alert: a, hours: 1 })
      }
      {...list}
    />
  );
}
