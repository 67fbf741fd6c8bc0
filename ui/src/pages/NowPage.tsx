// The first page: what is wrong now, since when, who has it, what was tried.

import { Anchor, Card, Group, Paper, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { overview } from "../api/queries.ts";
import type { Overview } from "../api/types.ts";
import { Mark } from "../app/Mark.tsx";
import { plural } from "../format/number.ts";
import { Empty } from "../parts/Empty.tsx";
import { Icon } from "../parts/icons.tsx";
import { Page, Section } from "../parts/Page.tsx";
import { Loaded } from "../parts/Problem.tsx";
import { When } from "../parts/When.tsx";
import { PRIORITY_WORDS, priorityLook } from "../parts/words.ts";
import { AlertTable } from "./alert/AlertTable.tsx";
import { Doubts } from "./now/Doubts.tsx";
import { OpenIncidentCard } from "./now/OpenIncidentCard.tsx";
import { hasDoubts, verdict } from "./now/verdict.ts";
import { OnCallNow } from "./oncall/OnCallNow.tsx";

export default function NowPage() {
  const query = useQuery(overview());
  return (
    <Page title="Now" lead={query.data && <Lead now={query.data} />}>
      <Loaded query={query}>{(now) => <Wrong now={now} />}</Loaded>
    </Page>
  );
}

function Lead({ now }: { now: Overview }) {
  return (
    <>
      {plural(now.rules_total, "rule")} watching · last telemetry <When at={now.last_telemetry_at} /> · probes:{" "}
      {now.probes.up} up
      {now.probes.down > 0 && `, ${now.probes.down} down`}
      {now.probes.unknown > 0 && `, ${now.probes.unknown} unknown`}
    </>
  );
}

function Wrong({ now }: { now: Overview }) {
  const state = verdict(now);
  return (
    <Stack gap="md">
      {state === "trouble" && <Counts now={now} />}
      {now.incidents.length > 0 && (
        <Stack gap="sm" component="section" aria-label="Open incidents">
          {now.incidents.map((incident) => (
            <OpenIncidentCard key={incident.id} incident={incident} />
          ))}
        </Stack>
      )}
      {now.alerts.length > 0 && (
        <Section title="Alerts without an incident" count={now.alerts.length}>
          <AlertTable alerts={now.alerts} label="Alerts without an incident" />
        </Section>
      )}
      {(state === "well" || state === "doubtful") && <Calm now={now} certain={state === "well"} />}
      {hasDoubts(now) && <Doubts now={now} />}
      <OnCallNow answers={now.on_call} />
      {state === "unwatched" && (
        <Empty title="Nothing is watched yet" icon="rule" command="watchkeeper demo">
          No rule is loaded, so silence here means nothing. Start the demo to see a bank being watched, or point the
          server at a folder with rule files: Prometheus rule files work unchanged.
        </Empty>
      )}
      {state === "blind" && (
        <Empty
          title="No telemetry has arrived"
          icon="chart"
          command={`export OTEL_EXPORTER_OTLP_ENDPOINT=${window.location.origin}`}
        >
          Rules are loaded but have nothing to look at. Point an OpenTelemetry SDK or a collector here.
        </Empty>
      )}
    </Stack>
  );
}

function Counts({ now }: { now: Overview }) {
  return (
    <SimpleGrid cols={{ base: 2, xs: 4 }} spacing="sm">
      {PRIORITY_WORDS.map((priority) => {
        const look = priorityLook(priority);
        const count = now.counts[priority];
        return (
          <Anchor
            key={priority}
            component={Link}
            to="/alerts"
            search={{ priority } as never}
            underline="never"
            c="inherit"
          >
            <Card
              withBorder
              padding="xs"
              className="wk-stripe"
              style={{ "--wk-stripe": count > 0 ? `var(--mantine-color-${look.color}-6)` : "transparent" }}
            >
              <Group gap={6} justify="space-between" wrap="nowrap">
                <Group gap={6} wrap="nowrap" c={count > 0 ? undefined : "dimmed"}>
                  <Icon name={look.icon} size={14} />
                  <Text size="sm">
                    {look.word}
                    <span className="wk-sr"> active alerts</span>
                  </Text>
                </Group>
                <Text fw={700} className="wk-number" c={count > 0 ? undefined : "dimmed"}>
                  {count}
                </Text>
              </Group>
            </Card>
          </Anchor>
        );
      })}
    </SimpleGrid>
  );
}

function Calm({ now, certain }: { now: Overview; certain: boolean }) {
  return (
    <Paper withBorder p="xl" className="wk-calm">
      <Stack align="center" gap="xs" py="lg">
        <Mark size={64} />
        <Title order={2}>{certain ? "All is well" : "Nothing is firing, but not everything is known"}</Title>
        <Text c="dimmed" ta="center" maw={520}>
          {certain
            ? `No open incident, no firing alert. All ${now.rules_total} rules could be evaluated, every probe ran and is up, no receiver is failing.`
            : "No open incident and no firing alert. What is listed below could not be checked, so it is not called healthy."}
        </Text>
      </Stack>
    </Paper>
  );
}
