// Notifications with every attempt and its receipt.

import { Group, Stack, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { Notification } from "../../api/types.ts";
import { plural } from "../../format/number.ts";
import { duration } from "../../format/time.ts";
import { type Column, DataList } from "../../parts/DataList.tsx";
import { StateBadge } from "../../parts/StateBadge.tsx";
import { At, When } from "../../parts/When.tsx";

const COLUMNS: Column<Notification>[] = [
  {
    header: "State",
    badge: true,
    width: 120,
    cell: (n) => <StateBadge state={n.state} reason={n.attempts.at(-1)?.error} />,
  },
  {
    header: "To",
    lead: true,
    cell: (n) => (
      <div className="wk-wrap">
        <Link to="/deliveries" search={{ receiver: n.receiver }}>
          {n.receiver}
        </Link>
        <Text size="xs" c="dimmed">
          {n.channel} · {n.target}
        </Text>
      </div>
    ),
  },
  {
    header: "What",
    wide: true,
    cell: (n) => (
      <div className="wk-wrap">
        <Link to="/deliveries/$id" params={{ id: n.id }}>
          {n.title}
        </Link>
        <Text size="xs" c="dimmed" component="div">
          {n.reason}
          {n.incident_id && (
            <>
              {" "}
              ·{" "}
              <Link to="/incidents/$id" params={{ id: n.incident_id }}>
                incident
              </Link>
            </>
          )}
          {n.alert_ids[0] && (
            <>
              {" "}
              ·{" "}
              <Link to="/alerts/$id" params={{ id: n.alert_ids[0] }}>
                {plural(n.alert_ids.length, "alert")}
              </Link>
            </>
          )}
        </Text>
      </div>
    ),
  },
  {
    header: "When",
    width: 105,
    cell: (n) => (
      <Text size="sm">
        <When at={n.created_at} />
      </Text>
    ),
  },
  { header: "Attempts", wide: true, cell: (n) => <Attempts notification={n} /> },
];

export function DeliveryTable({ items }: { items: Notification[] }) {
  if (items.length === 0)
    return (
      <Text size="sm" c="dimmed">
        Nobody was told.
      </Text>
    );
  return <DataList label="Deliveries" items={items} columns={COLUMNS} keyOf={(n) => n.id} />;
}

export function Attempts({ notification }: { notification: Notification }) {
  const { attempts, next_attempt_at } = notification;
  if (attempts.length === 0)
    return (
      <Text size="sm" c="dimmed">
        none yet
      </Text>
    );
  return (
    <Stack gap={2}>
      {attempts.map((attempt) => (
        <Group key={attempt.number} gap={6} wrap="nowrap" align="flex-start">
          <Text size="xs" className="wk-number" c="dimmed">
            #{attempt.number} <At at={attempt.at} relativeToo={false} />
          </Text>
          <Text size="xs" className="wk-wrap">
            {attempt.state}
            {attempt.status && ` · HTTP ${attempt.status}`}
            {attempt.duration_ms != null && ` · ${duration(attempt.duration_ms)}`}
            {attempt.receipt && ` · receipt ${attempt.receipt}`}
            {attempt.error && ` · ${attempt.error}`}
          </Text>
        </Group>
      ))}
      {next_attempt_at && (
        <Text size="xs">
          next attempt <When at={next_attempt_at} />
        </Text>
      )}
    </Stack>
  );
}
