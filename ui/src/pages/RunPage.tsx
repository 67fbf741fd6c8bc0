// One run of a workflow: what the guards decided, each step with its attempts, and whether it helped.

import { Anchor, Button, Group, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { cancelRun, useAction } from "../api/actions.ts";
import { run } from "../api/queries.ts";
import type { RunDetail } from "../api/types.ts";
import { Json } from "../parts/Labels.tsx";
import { Facts, Page, Section } from "../parts/Page.tsx";
import { Loaded } from "../parts/Problem.tsx";
import { StateBadge } from "../parts/StateBadge.tsx";
import { Age, At } from "../parts/When.tsx";
import { actorWord } from "../parts/words.ts";
import { RunFlow } from "./run/RunFlow.tsx";

const route = getRouteApi("/runs/$id");
const ENDED = ["succeeded", "failed", "handed_over", "refused", "cancelled"];

export default function RunPage() {
  const { id } = route.useParams();
  const query = useQuery(run(id));
  const detail = query.data;
  return (
    <Page
      title={detail?.workflow ?? "Run"}
      above={
        <Anchor component={Link} to="/workflows" inherit>
          Workflows
        </Anchor>
      }
      badges={detail && <StateBadge state={detail.state} size="lg" />}
      actions={detail && <Actions run={detail} />}
      lead={detail?.outcome}
    >
      <Loaded query={query}>{(r) => <Body run={r} />}</Loaded>
    </Page>
  );
}

function Actions({ run: r }: { run: RunDetail }) {
  const cancel = useAction(cancelRun, () => "Cancelled: no further step starts");
  if (ENDED.includes(r.state)) return null;
  return (
    <Button variant="default" loading={cancel.isPending} onClick={() => cancel.mutate(r.id)}>
      Cancel run
    </Button>
  );
}

function Body({ run: r }: { run: RunDetail }) {
  const inputs = r.inputs && Object.keys(r.inputs).length > 0;
  return (
    <>
      <Section title="About this run">
        <Facts
          items={[
            ["Started by", actorWord(r.started_by)],
            ["Asked for", <At key="a" at={r.created_at} />],
            ["Took", r.started_at ? <Age key="b" since={r.started_at} until={r.finished_at} /> : "not started"],
            ["Target", r.target ?? "none"],
            ["For", <For key="c" run={r} />],
          ]}
        />
        {inputs && (
          <>
            <Text size="xs" c="dimmed" mt="sm">
              Inputs
            </Text>
            <Json value={r.inputs} />
          </>
        )}
      </Section>
      <Section title="What happened">
        <RunFlow run={r} />
      </Section>
    </>
  );
}

function For({ run: r }: { run: RunDetail }) {
  return (
    <Group gap="xs">
      {r.incident_id && (
        <Anchor component={Link} to={`/incidents/${r.incident_id}`} inherit>
          incident
        </Anchor>
      )}
      {r.alert_id && (
        <Anchor component={Link} to={`/alerts/${r.alert_id}`} inherit>
          alert
        </Anchor>
      )}
      {!r.incident_id && !r.alert_id && "nothing in particular"}
    </Group>
  );
}
