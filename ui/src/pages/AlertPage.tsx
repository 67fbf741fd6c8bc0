// One alert: the chart, the evidence, why somebody was or was not told, and what can be done.

import { Anchor, Button, Code, Grid, Group, Modal, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { acknowledgeAlert, declareIncident, useAction } from "../api/actions.ts";
import { alert, alertChart, explanation, notifications } from "../api/queries.ts";
import type { AlertDetail } from "../api/types.ts";
import { useCommand } from "../app/useKeys.ts";
import { quantity } from "../format/number.ts";
import { Icon } from "../parts/icons.tsx";
import { Labels, SafeLink } from "../parts/Labels.tsx";
import { Facts, Page, Section } from "../parts/Page.tsx";
import { Loaded } from "../parts/Problem.tsx";
import { PriorityBadge, StateBadge } from "../parts/StateBadge.tsx";
import { Age, At, When } from "../parts/When.tsx";
import { categoryWord, comparisonSign } from "../parts/words.ts";
import { AlertChartCard } from "./alert/AlertChartCard.tsx";
import { AssignForm } from "./alert/BulkBar.tsx";
import { EvidenceList } from "./alert/EvidenceList.tsx";
import { Explanation } from "./alert/Explanation.tsx";
import { Transitions } from "./alert/Transitions.tsx";
import { DeliveryTable } from "./delivery/DeliveryTable.tsx";
import { matchersFor } from "./silence/matchers.ts";
import { useSilenceAlert } from "./silence/useSilenceAlert.ts";

const route = getRouteApi("/alerts/$id");

export default function AlertPage() {
  const { id } = route.useParams();
  const query = useQuery(alert(id));
  const explained = useQuery(explanation(id));
  const sent = useQuery(notifications({ alert_id: id }));
  const detail = query.data;
  return (
    <Page
      title={detail?.title ?? "Alert"}
      above={
        <Anchor component={Link} to="/alerts" inherit>
          Alerts
        </Anchor>
      }
      badges={
        detail && (
          <>
            <StateBadge
              state={detail.state}
              reason={detail.unknown_reason}
              size="lg"
              filled={detail.state === "firing"}
            />
            <PriorityBadge priority={detail.priority} size="lg" />
          </>
        )
      }
      actions={detail && <Actions alert={detail} />}
      lead={detail && <Lead alert={detail} />}
    >
      <Grid gap="md">
        <Grid.Col span={{ base: 12, lg: 7 }}>
          <Stack gap="md">
            <AlertChartCard id={id} />
            <Loaded query={query}>
              {(a) => (
                <>
                  <Section title="What the rule compares">
                    <About alert={a} />
                  </Section>
                  <EvidenceList evidence={a.evidence} />
                  <Transitions transitions={a.transitions} />
                </>
              )}
            </Loaded>
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 5 }}>
          <Section title="Who was told, and why">
            <Loaded query={explained}>{(e) => <Explanation explanation={e} />}</Loaded>
          </Section>
        </Grid.Col>
        <Grid.Col span={12}>
          <Section title="Deliveries" count={sent.data?.items.length}>
            <Loaded query={sent}>{({ items }) => <DeliveryTable items={items} />}</Loaded>
          </Section>
        </Grid.Col>
      </Grid>
    </Page>
  );
}

function Lead({ alert }: { alert: AlertDetail }) {
  return (
    <>
      {alert.name} · {categoryWord(alert.category)} · in this state for{" "}
      <Age since={alert.since} until={alert.state === "resolved" ? alert.resolved_at : null} /> · began{" "}
      <At at={alert.started_at} />
      {alert.acknowledged_by && (
        <>
          {" "}
          · acknowledged by {alert.acknowledged_by} <When at={alert.acknowledged_at} />
        </>
      )}
      {alert.silenced_by.length > 0 && " · silenced"}
      {alert.inhibited_by.length > 0 && " · inhibited"}
    </>
  );
}

function Actions({ alert }: { alert: AlertDetail }) {
  const navigate = useNavigate();
  const acknowledge = useAction(acknowledgeAlert, () => "Acknowledged");
  const silence = useSilenceAlert();
  const declare = useAction(declareIncident, (incident) => {
    void navigate({ to: "/incidents/$id", params: { id: incident.id } });
    return `Opened INC-${incident.number}`;
  });
  const [assigning, assign] = useDisclosure(false);
  const active = alert.state !== "resolved";
  const canAcknowledge = active && !alert.acknowledged_by;
  useCommand((command) => {
    if (command.kind === "acknowledge" && canAcknowledge) acknowledge.mutate(alert.id);
    if (command.kind === "silence" && active) silence.mutate({ alert, hours: 1 });
  });
  return (
    <>
      <Button
        onClick={() => acknowledge.mutate(alert.id)}
        disabled={!canAcknowledge}
        loading={acknowledge.isPending}
        leftSection={<Icon name="hand" size={14} />}
      >
        {alert.acknowledged_by ? "Acknowledged" : "Acknowledge"}
      </Button>
      <Button.Group>
        {[1, 4].map((hours) => (
          <Button
            key={hours}
            variant="default"
            disabled={!active}
            loading={silence.isPending}
            onClick={() => silence.mutate({ alert, hours })}
            leftSection={hours === 1 ? <Icon name="mute" size={14} /> : undefined}
          >
            {hours === 1 ? "Silence 1h" : `${hours}h`}
          </Button>
        ))}
        <Button
          variant="default"
          disabled={!active}
          component={Link}
          to="/silences"
          search={{ new: "1", matchers: matchersFor(alert).join("\n") } as never}
        >
          longer…
        </Button>
      </Button.Group>
      <Button variant="default" disabled={!active} onClick={assign.open} leftSection={<Icon name="person" size={14} />}>
        Assign…
      </Button>
      <Modal opened={assigning} onClose={assign.close} title={`Assign ${alert.name}`}>
        <AssignForm ids={[alert.id]} owners={alert.owner ? [alert.owner] : []} onDone={assign.close} />
      </Modal>
      {alert.incident_id ? (
        <Button
          variant="default"
          component={Link}
          to={`/incidents/${alert.incident_id}`}
          leftSection={<Icon name="incident" size={14} />}
        >
          Open incident
        </Button>
      ) : (
        <Button
          variant="default"
          loading={declare.isPending}
          leftSection={<Icon name="incident" size={14} />}
          onClick={() =>
            declare.mutate({
              title: alert.title,
              priority: alert.priority,
              category: alert.category,
              alert_ids: [alert.id],
            })
          }
        >
          Declare incident
        </Button>
      )}
    </>
  );
}

function About({ alert }: { alert: AlertDetail }) {
  // The unit is the chart's: the same query, answered once for both.
  const unit = useQuery(alertChart(alert.id)).data?.unit;
  const { runbook_url, dashboard_url, summary: _, ...texts } = alert.annotations;
  return (
    <Stack gap="sm">
      <Code block className="wk-expr">
        {alert.expr}
      </Code>
      <Facts
        items={[
          ["Value", quantity(alert.value, unit)],
          [
            "Fires when",
            alert.threshold === null || alert.threshold === undefined
              ? "the expression gives anything"
              : `${comparisonSign(alert.comparison)} ${quantity(alert.threshold, unit)}`,
          ],
          ["Must hold for", alert.hold_for ?? "at once"],
          [
            "Rule",
            <Anchor key="rule" component={Link} to="/rules" search={{ q: alert.name } as never} inherit>
              {alert.rule_id}
            </Anchor>,
          ],
        ]}
      />
      <Labels labels={alert.labels} />
      {Object.entries(texts).map(([name, text]) => (
        <Text key={name} size="sm" className="wk-wrap">
          <Text span inherit c="dimmed">
            {name}:{" "}
          </Text>
          {text}
        </Text>
      ))}
      <Group gap="md">
        {runbook_url && <SafeLink href={runbook_url}>Runbook</SafeLink>}
        {dashboard_url && <SafeLink href={dashboard_url}>Dashboard</SafeLink>}
      </Group>
    </Stack>
  );
}
