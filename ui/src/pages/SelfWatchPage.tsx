// How Watchkeeper itself does: the stages of an alert's way, the heartbeat, the second path, and fire drills.

import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { confirmDrill, runDrill, useAction } from "../api/actions.ts";
import { drills, selfWatch } from "../api/queries.ts";
import type { Drill, SelfWatch } from "../api/types.ts";
import { duration } from "../format/time.ts";
import { type Column, DataList } from "../parts/DataList.tsx";
import { Empty } from "../parts/Empty.tsx";
import { Icon } from "../parts/icons.tsx";
import { Facts, Page, Section } from "../parts/Page.tsx";
import { Loaded } from "../parts/Problem.tsx";
import { StateBadge } from "../parts/StateBadge.tsx";
import { At, When } from "../parts/When.tsx";

export default function SelfWatchPage() {
  const watch = useQuery(selfWatch());
  const held = useQuery(drills());
  const run = useAction(runDrill, () => "The drill has begun: it takes the real route.");
  return (
    <Page
      title="Self-watch"
      lead="Whether Watchkeeper itself works, and whether a page reaches somebody."
      actions={
        <Button loading={run.isPending} onClick={() => run.mutate()} leftSection={<Icon name="bell" size={14} />}>
          Begin a fire drill
        </Button>
      }
    >
      <Loaded query={watch}>{(w) => <Standing watch={w} />}</Loaded>
      <Section title="Fire drills" count={held.data?.items.length}>
        <Loaded query={held}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title="No drill was held yet" icon="bell" command="watchkeeper drill run">
                A drill is an alert that means nothing but “are you there?”. Begin one here, by the clock
                (self_watch.drill), or on the command line:
              </Empty>
            ) : (
              <Drills items={items} />
            )
          }
        </Loaded>
      </Section>
    </Page>
  );
}

function Standing({ watch: w }: { watch: SelfWatch }) {
  const well = w.stalled_since == null;
  const beat = w.heartbeat_interval ? (
    <>
      every {w.heartbeat_interval} to {w.heartbeat_to};{" "}
      {w.heartbeat_error ? (
        <Text span inherit c="red">
          does not arrive: {w.heartbeat_error}
        </Text>
      ) : (
        <>
          last <When at={w.last_heartbeat_at} />
        </>
      )}
    </>
  ) : (
    "none leaves: set self_watch.heartbeat"
  );
  const path = w.second_path ? (
    <>
      {w.second_path}
      {w.second_path_told_at && (
        <>
          , told <When at={w.second_path_told_at} />
        </>
      )}
      {w.second_path_error && (
        <Text span inherit c="red">
          {" "}
          could not be told: {w.second_path_error}
        </Text>
      )}
    </>
  ) : (
    "none: set self_watch.receiver"
  );
  return (
    <>
      <Alert
        color={well ? "teal" : "red"}
        variant="light"
        icon={<Icon name={well ? "ok" : "failed"} />}
        title={well ? "The way of an alert is free" : "The way of an alert is stalled"}
        role="status"
      >
        <Stack gap={2}>
          {!well && (
            <Text size="sm">
              since <At at={w.stalled_since as string} />
            </Text>
          )}
          {w.faults.map((fault) => (
            <Text key={fault} size="sm" className="wk-wrap">
              {fault}
            </Text>
          ))}
          <Text size="sm" c="dimmed">
            looked at {w.looked_at ? <At at={w.looked_at} /> : "not yet"}
          </Text>
        </Stack>
      </Alert>
      <Section title="Ways out">
        <Facts
          items={[
            ["Heartbeat", beat],
            ["Second path", path],
            [
              "Next fire drill",
              w.next_drill_at ? <At key="drill" at={w.next_drill_at} /> : "none by the clock: set self_watch.drill",
            ],
          ]}
        />
      </Section>
      <Section title="Stages" count={w.stages.length}>
        <Facts items={w.stages.map((stage) => [stage.name, <At key={stage.name} at={stage.last_completed_at} />])} />
      </Section>
    </>
  );
}

function Drills({ items }: { items: Drill[] }) {
  const confirm = useAction(confirmDrill, () => "Confirmed. Thank you.");
  const columns: Column<Drill>[] = [
    { header: "State", badge: true, width: 130, cell: (d) => <StateBadge state={d.state} /> },
    {
      header: "Began",
      lead: true,
      cell: (d) => (
        <div className="wk-wrap">
          <Text size="sm">
            <At at={d.started_at} />
          </Text>
          <Text size="xs" c="dimmed">
            {d.due_at ? "by the clock" : `by ${d.started_by}`}
          </Text>
        </div>
      ),
    },
    {
      header: "Confirmed",
      wide: true,
      cell: (d) => (
        <Text size="sm" className="wk-wrap">
          {d.state === "confirmed" && `by ${d.confirmed_by} after ${duration((d.seconds ?? 0) * 1_000)}`}
          {d.state === "missed" && "nobody did in time"}
          {d.state === "waiting" && (
            <>
              until <At at={d.confirm_by} />
            </>
          )}
        </Text>
      ),
    },
    {
      header: "How far it came",
      width: 150,
      cell: (d) =>
        d.alert_id && (
          <Link to="/alerts/$id" params={{ id: d.alert_id }}>
            its alert
          </Link>
        ),
    },
    {
      header: "Confirm",
      width: 130,
      cell: (d) =>
        d.state === "waiting" && (
          <Group>
            <Button
              variant="default"
              loading={confirm.isPending && confirm.variables === d.id}
              onClick={() => confirm.mutate(d.id)}
            >
              It reached me
            </Button>
          </Group>
        ),
    },
  ];
  return <DataList label="Fire drills" items={items} columns={columns} keyOf={(d) => d.id} />;
}
