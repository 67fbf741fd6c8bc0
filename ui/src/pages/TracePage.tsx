// One trace as a waterfall.

import { Alert, Anchor, Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { trace } from "../api/telemetry.ts";
import { plural } from "../format/number.ts";
import { duration } from "../format/time.ts";
import { Empty } from "../parts/Empty.tsx";
import { Page, Section } from "../parts/Page.tsx";
import { Loaded } from "../parts/Problem.tsx";
import { StateBadge } from "../parts/StateBadge.tsx";
import { At } from "../parts/When.tsx";
import { Waterfall } from "./telemetry/Waterfall.tsx";
import { arrange } from "./telemetry/waterfall.ts";

const route = getRouteApi("/telemetry/traces/$id");

export default function TracePage() {
  const { id } = route.useParams();
  const query = useQuery(trace(id));
  const layout = query.data && arrange(query.data.spans);
  const root = layout?.rows[0]?.span;
  return (
    <Page
      title={root ? `${root.service}: ${root.name}` : "Trace"}
      above={
        <Anchor component={Link} to="/telemetry/traces" inherit>
          Traces
        </Anchor>
      }
      badges={layout && layout.errors > 0 && <StateBadge state="error" size="lg" />}
      actions={
        <Button variant="default" component={Link} to={`/telemetry/logs?trace_id=${encodeURIComponent(id)}&range=1d`}>
          Its logs
        </Button>
      }
      lead={
        layout &&
        root && (
          <>
            {duration(layout.total / 1_000)} · {plural(layout.rows.length, "span")} in{" "}
            {plural(layout.services.length, "service")}
            {layout.errors > 0 && ` · ${plural(layout.errors, "failed span")}`} · <At at={root.started_at} /> · {id}
          </>
        )
      }
    >
      <Loaded query={query} lines={8}>
        {(data) => {
          const arranged = arrange(data.spans);
          if (arranged.rows.length === 0)
            return (
              <Empty title="No span of this trace is stored">
                It may be older than the retention, or was never sampled.
              </Empty>
            );
          return (
            <Section title="Spans">
              {data.truncated && (
                <Alert color="yellow" variant="light" mb="sm">
                  Only the first spans are shown; the trace has more.
                </Alert>
              )}
              <Waterfall layout={arranged} />
            </Section>
          );
        }}
      </Loaded>
    </Page>
  );
}
