// Workflows as configured, and their runs.

import { Button, Card, Code, Group, Menu, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { startRun, useAction } from "../api/actions.ts";
import { runs, workflows } from "../api/queries.ts";
import type { Workflow } from "../api/types.ts";
import { Empty } from "../parts/Empty.tsx";
import { FilterBar, ManyFilter, OneFilter, optionsOf } from "../parts/Filters.tsx";
import { Icon } from "../parts/icons.tsx";
import { Page, Section } from "../parts/Page.tsx";
import { Pager } from "../parts/Pager.tsx";
import { Loaded } from "../parts/Problem.tsx";
import { StateBadge } from "../parts/StateBadge.tsx";
import { When } from "../parts/When.tsx";
import { stateLook } from "../parts/words.ts";
import { FIRST_PAGE, type RunSearch } from "../url/search.ts";
import { RunTable } from "./run/RunTable.tsx";

const route = getRouteApi("/workflows");
const STATES = optionsOf(
  ["waiting", "running", "succeeded", "failed", "handed_over", "refused", "cancelled"],
  (s) => stateLook(s).word,
);

export default function WorkflowsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const known = useQuery(workflows());
  const done = useQuery(runs(search));
  const set = (change: RunSearch) => void navigate({ search: { ...search, ...change, ...FIRST_PAGE }, replace: true });
  return (
    <Page
      title="Workflows"
      lead="What Watchkeeper may do by itself, what holds it back, and how it checks that it helped."
    >
      <Loaded query={known}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No workflow is configured" icon="flow" command="watchkeeper check --schema">
              A workflow heals what a rule finds, with a guard on: at most so often, never two at once, checked against
              what users feel. The schema of the configuration says what one may hold:
            </Empty>
          ) : (
            <SimpleGrid cols={{ base: 1, md: 2, xl: 3 }} spacing="md">
              {items.map((workflow) => (
                <WorkflowCard key={workflow.name} workflow={workflow} />
              ))}
            </SimpleGrid>
          )
        }
      </Loaded>
      <Section title="Runs">
        <FilterBar>
          <OneFilter
            label="Workflow"
            value={search.workflow}
            options={optionsOf(known.data?.items.map((w) => w.name) ?? [], (name) => name)}
            onChange={(workflow) => set({ workflow })}
          />
          <ManyFilter label="State" value={search.state} options={STATES} onChange={(state) => set({ state })} />
        </FilterBar>
        <div style={{ marginTop: 12 }}>
          <Loaded query={done}>
            {({ items, total, next_cursor }) => (
              <Stack gap="sm">
                <RunTable
                  runs={items}
                  empty={search.workflow || search.state ? "No run matches." : "Nothing has run so far."}
                />
                <Pager
                  noun="runs"
                  search={search}
                  shown={items.length}
                  total={total}
                  next={next_cursor}
                  onGo={(page, state) => void navigate({ search: { ...search, ...page }, state })}
                />
              </Stack>
            )}
          </Loaded>
        </div>
      </Section>
    </Page>
  );
}

function WorkflowCard({ workflow: w }: { workflow: Workflow }) {
  const navigate = useNavigate();
  const start = useAction(startRun, (run) => {
    void navigate({ to: "/runs/$id", params: { id: run.id } });
    return `${run.workflow} was asked for`;
  });
  return (
    <Card withBorder padding="md" component="article">
      <Stack gap="xs" h="100%">
        <Group justify="space-between" wrap="nowrap" align="flex-start">
          <Title order={2} className="wk-wrap">
            {w.name}
          </Title>
          <Menu position="bottom-end" withArrow>
            <Menu.Target>
              <Button variant="default" loading={start.isPending}>
                Run
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={() => start.mutate({ name: w.name })}>Run it now; its guards still decide</Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </Group>
        {w.description && (
          <Text size="sm" c="dimmed" className="wk-wrap">
            {w.description}
          </Text>
        )}
        <Line icon="firing" word="When" text={w.triggers.join("; ") || "by hand only"} />
        <Line icon="stopped" word="Held back by" text={w.guards.join("; ") || "nothing"} />
        <Line icon="flow" word="Steps" text={w.steps.join(" → ")} />
        {w.verify && (
          <Text size="sm">
            <Text span inherit c="dimmed">
              Helped if{" "}
            </Text>
            <Code className="wk-expr">{w.verify}</Code>
          </Text>
        )}
        {w.last_run && (
          <Group gap="xs" mt="auto">
            <StateBadge state={w.last_run.state} reason={w.last_run.outcome} />
            <Text size="sm">
              <Link to="/runs/$id" params={{ id: w.last_run.id }} style={{ color: "inherit" }}>
                last run
              </Link>{" "}
              <When at={w.last_run.created_at} />
            </Text>
          </Group>
        )}
      </Stack>
    </Card>
  );
}

function Line({ icon, word, text }: { icon: "firing" | "stopped" | "flow"; word: string; text: string }) {
  return (
    <Group gap={6} wrap="nowrap" align="flex-start">
      <Text span c="dimmed">
        <Icon name={icon} size={14} />
      </Text>
      <Text size="sm" className="wk-wrap">
        <Text span inherit c="dimmed">
          {word}:{" "}
        </Text>
        {text}
      </Text>
    </Group>
  );
}
