// One open incident on the first page.

import { Card, Group, SimpleGrid, Stack, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { OpenIncident } from "../../api/types.ts";
import { plural } from "../../format/number.ts";
import { PriorityBadge, RestrictedBadge, StateBadge } from "../../parts/StateBadge.tsx";
import { Age, At } from "../../parts/When.tsx";
import { categoryWord, priorityLook } from "../../parts/words.ts";

export function OpenIncidentCard({ incident }: { incident: OpenIncident }) {
  const { tried } = incident;
  const stripe = `var(--mantine-color-${priorityLook(incident.priority).color}-6)`;
  return (
    <Card withBorder padding="md" component="article" className="wk-stripe wk-row" style={{ "--wk-stripe": stripe }}>
      <Stack gap="sm">
        <Group gap="xs">
          <PriorityBadge priority={incident.priority} filled />
          <StateBadge state={incident.state} />
          {incident.kind === "security" && <RestrictedBadge />}
          <Text size="sm" c="dimmed">
            {categoryWord(incident.category)} · {plural(incident.active_alerts, "active alert")}
          </Text>
        </Group>
        <Text fz="lg" fw={600} className="wk-wrap" component="h2" m={0}>
          <Link to="/incidents/$id" params={{ id: incident.id }}>
            INC-{incident.number} {incident.title}
          </Link>
        </Text>
        {incident.impact && (
          <Text size="sm" className="wk-wrap">
            {incident.impact}
          </Text>
        )}
        <SimpleGrid cols={{ base: 1, xs: 3 }} spacing="sm">
          <Answer question="Since">
            <Age since={incident.since} />{" "}
            <Text span inherit c="dimmed">
              (<At at={incident.since} relativeToo={false} />)
            </Text>
          </Answer>
          <Answer question="Who has it">
            {incident.owner ?? (
              <Text span inherit c="orange" fw={600}>
                nobody yet
              </Text>
            )}
          </Answer>
          <Answer question="What was tried">
            {tried ? (
              <Group gap={6}>
                <Link to="/runs/$id" params={{ id: tried.run_id }}>
                  {tried.workflow}
                </Link>
                <StateBadge state={tried.state} reason={tried.outcome} />
              </Group>
            ) : (
              <Text span inherit c="dimmed">
                nothing yet
              </Text>
            )}
          </Answer>
        </SimpleGrid>
      </Stack>
    </Card>
  );
}

function Answer({ question, children }: { question: string; children: ReactNode }) {
  return (
    <div>
      <Text size="xs" c="dimmed">
        {question}
      </Text>
      <Text size="sm" component="div" className="wk-wrap">
        {children}
      </Text>
    </div>
  );
}
