// One incident: its state and roles above, and tabs for what happened, what it is about, what was done, who was told, what was learnt.

import { Anchor, Card, Tabs, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { incident } from "../api/queries.ts";
import type { IncidentDetail } from "../api/types.ts";
import { SafeLink } from "../parts/Labels.tsx";
import { Facts, Page } from "../parts/Page.tsx";
import { Loaded } from "../parts/Problem.tsx";
import { PriorityBadge, RestrictedBadge, StateBadge } from "../parts/StateBadge.tsx";
import { Age, At } from "../parts/When.tsx";
import { categoryWord } from "../parts/words.ts";
import { INCIDENT_TABS, type IncidentTab } from "../url/search.ts";
import { AlertTable } from "./alert/AlertTable.tsx";
import { ChangeTable } from "./change/ChangeTable.tsx";
import { DeliveryTable } from "./delivery/DeliveryTable.tsx";
import { IncidentActions } from "./incident/IncidentActions.tsx";
import { PostMortemTab } from "./incident/PostMortemTab.tsx";
import { Roles } from "./incident/Roles.tsx";
import { Timeline } from "./incident/Timeline.tsx";
import { RunTable } from "./run/RunTable.tsx";

const route = getRouteApi("/incidents/$id");

export default function IncidentPage() {
  const { id } = route.useParams();
  const query = useQuery(incident(id));
  const detail = query.data;
  return (
    <Page
      title={detail ? `INC-${detail.number} ${detail.title}` : "Incident"}
      above={
        <Anchor component={Link} to="/incidents" inherit>
          Incidents
        </Anchor>
      }
      badges={
        detail && (
          <>
            <StateBadge state={detail.state} size="lg" filled={detail.state === "triggered"} />
            <PriorityBadge priority={detail.priority} size="lg" />
            {detail.restricted && <RestrictedBadge />}
          </>
        )
      }
      actions={detail && <IncidentActions incident={detail} />}
    >
      <Loaded query={query}>{(i) => <Body incident={i} />}</Loaded>
    </Page>
  );
}

function Body({ incident: i }: { incident: IncidentDetail }) {
  const { tab = "timeline" } = route.useSearch();
  const navigate = route.useNavigate();
  const count: Partial<Record<IncidentTab, number>> = {
    timeline: i.timeline.length,
    alerts: i.alerts.length,
    changes: i.changes.length,
    runs: i.runs.length,
    notifications: i.notifications.length,
  };
  const words: Record<IncidentTab, string> = {
    timeline: "Timeline",
    alerts: "Alerts",
    changes: "Changed just before",
    runs: "Workflow runs",
    notifications: "Notifications",
    "post-mortem": "Post-mortem",
  };
  return (
    <>
      <Card withBorder padding="md">
        <Facts
          items={[
            ["Lasting", <Age key="a" since={i.started_at} until={i.resolved_at} />],
            ["Began", <At key="b" at={i.started_at} />],
            ["Acknowledged", i.acknowledged_at ? <At key="c" at={i.acknowledged_at} /> : "not yet"],
            ["Mitigated", i.mitigated_at ? <At key="d" at={i.mitigated_at} /> : "not yet"],
            ["Resolved", i.resolved_at ? <At key="e" at={i.resolved_at} /> : "not yet"],
            ["About", `${categoryWord(i.category)}, ${i.kind}`],
            ["Status page", i.status_page_component ?? "not shown there"],
            [
              "Chat",
              i.chat_url ? (
                <SafeLink key="f" href={i.chat_url}>
                  thread
                </SafeLink>
              ) : (
                "no thread"
              ),
            ],
          ]}
        />
        {i.impact && (
          <Text mt="sm" className="wk-wrap">
            <Text span c="dimmed">
              Impact:{" "}
            </Text>
            {i.impact}
          </Text>
        )}
        <Roles incident={i} />
      </Card>
      <Tabs
        value={tab}
        onChange={(next) => void navigate({ search: { tab: (next ?? "timeline") as IncidentTab }, replace: true })}
        keepMounted={false}
      >
        <Tabs.List mb="md">
          {INCIDENT_TABS.map((name) => (
            <Tabs.Tab
              key={name}
              value={name}
              rightSection={
                count[name] !== undefined && (
                  <Text size="xs" c="dimmed">
                    {count[name]}
                  </Text>
                )
              }
            >
              {words[name]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="timeline">
          <Timeline id={i.id} entries={i.timeline} />
        </Tabs.Panel>
        <Tabs.Panel value="alerts">
          <AlertTable alerts={i.alerts} label="Alerts of this incident" />
        </Tabs.Panel>
        <Tabs.Panel value="changes">
          {i.changes.length === 0 ? (
            <Text size="sm" c="dimmed">
              Nobody told of a change to its services, from two hours before it began on.
            </Text>
          ) : (
            <ChangeTable items={i.changes} label="Changes around this incident" />
          )}
        </Tabs.Panel>
        <Tabs.Panel value="runs">
          <RunTable runs={i.runs} empty="Nothing was tried yet." />
        </Tabs.Panel>
        <Tabs.Panel value="notifications">
          <DeliveryTable items={i.notifications} />
        </Tabs.Panel>
        <Tabs.Panel value="post-mortem">
          <PostMortemTab id={i.id} />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}
