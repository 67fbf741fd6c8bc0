// The demo: break the bank, watch what Watchkeeper does about it.

import { Card, Group, SimpleGrid, Stack, Switch, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { switchFault, useAction } from "../api/actions.ts";
import { demo } from "../api/queries.ts";
import type { Fault } from "../api/types.ts";
import { SafeLink } from "../parts/Labels.tsx";
import { Page } from "../parts/Page.tsx";
import { Loaded } from "../parts/Problem.tsx";

export default function DemoPage() {
  const query = useQuery(demo());
  return (
    <Page title="Demo" lead={query.data?.description}>
      <Loaded query={query}>
        {({ faults, links }) => (
          <Stack gap="md">
            <Group gap="lg">
              {links.map((link) => (
                <Text key={link.url} size="sm">
                  <SafeLink href={link.url}>{link.title}</SafeLink>
                </Text>
              ))}
            </Group>
            <SimpleGrid cols={{ base: 1, sm: 2, xl: 3 }} spacing="md">
              {faults.map((fault) => (
                <FaultCard key={fault.name} fault={fault} />
              ))}
            </SimpleGrid>
          </Stack>
        )}
      </Loaded>
    </Page>
  );
}

function FaultCard({ fault }: { fault: Fault }) {
  const turn = useAction(switchFault, (f) => `${f.title}: ${f.on ? "on" : "off"}`);
  return (
    <Card
      withBorder
      padding="md"
      className="wk-stripe"
      style={{ "--wk-stripe": fault.on ? "var(--mantine-color-red-6)" : "transparent" }}
    >
      <Stack gap="xs">
        <Group justify="space-between" wrap="nowrap">
          <Title order={2} className="wk-wrap">
            {fault.title}
          </Title>
          <Switch
            checked={fault.on}
            disabled={turn.isPending}
            onChange={(e) => turn.mutate({ name: fault.name, on: e.currentTarget.checked })}
            size="md"
            labelPosition="left"
            label={
              <>
                {fault.on ? "On" : "Off"}
                <span className="wk-sr">: {fault.title}</span>
              </>
            }
          />
        </Group>
        <Text size="sm" className="wk-wrap">
          <Text span inherit c="dimmed">
            Breaks:{" "}
          </Text>
          {fault.effect}
        </Text>
        <Text size="sm" className="wk-wrap">
          <Text span inherit c="dimmed">
            Expect:{" "}
          </Text>
          {fault.expect}
        </Text>
      </Stack>
    </Card>
  );
}
