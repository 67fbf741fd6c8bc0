// Who calls whom, how often, with how many errors, how fast: told from spans.

import { Alert, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { serviceMap } from "../api/telemetry.ts";
import type { MapEdge, MapNode } from "../api/types.ts";
import { count } from "../format/number.ts";
import { duration } from "../format/time.ts";
import { type Column, DataList } from "../parts/DataList.tsx";
import { Empty } from "../parts/Empty.tsx";
import { Page, Section } from "../parts/Page.tsx";
import { Loaded } from "../parts/Problem.tsx";
import type { RangeSearch } from "../url/search.ts";
import { failed, rate, ServiceMapDrawing } from "./map/ServiceMap.tsx";
import { RangePicker, TelemetryTabs } from "./telemetry/TelemetryTabs.tsx";

const route = getRouteApi("/telemetry/map");

const TIMING: Column<{ timing: MapNode["timing"] }>[] = [
  { header: "Rate", numeric: true, width: 90, cell: ({ timing }) => rate(timing.rate) },
  { header: "Calls", numeric: true, width: 90, cell: ({ timing }) => count(timing.calls) },
  {
    header: "Errors",
    numeric: true,
    width: 130,
    cell: ({ timing }) =>
      timing.errors === 0 ? (
        "–"
      ) : (
        <Text span size="sm" c="red">
          {count(timing.errors)} ({failed(timing).replace(" failed", "")})
        </Text>
      ),
  },
  { header: "Median", numeric: true, width: 90, cell: ({ timing }) => duration(timing.p50_ms) },
  { header: "p95", numeric: true, width: 90, cell: ({ timing }) => duration(timing.p95_ms) },
];

const NODES: Column<MapNode>[] = [
  {
    header: "Name",
    lead: true,
    cell: (n) =>
      n.kind === "service" ? (
        <Link to="/telemetry/traces" search={{ service: n.name }}>
          {n.name}
        </Link>
      ) : (
        <span className="wk-wrap">{n.name}</span>
      ),
  },
  { header: "Kind", width: 110, cell: (n) => <Text size="sm">{n.kind}</Text> },
  ...TIMING,
];

const EDGES: Column<MapEdge>[] = [
  {
    header: "Call",
    lead: true,
    cell: (e) => (
      <span className="wk-wrap">
        {e.from} → {e.to}
      </span>
    ),
  },
  ...TIMING,
];

export default function MapPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const set = (change: RangeSearch) => void navigate({ search: { ...search, ...change }, replace: true });
  const query = useQuery(serviceMap(search));
  return (
    <Page title="Telemetry">
      <TelemetryTabs active="map" range={search} />
      <RangePicker range={search} onChange={set} />
      <Loaded query={query} lines={8}>
        {({ nodes, edges, incomplete }) =>
          nodes.length === 0 ? (
            <Empty
              title="No span begins within this time"
              icon="flow"
              command={`export OTEL_EXPORTER_OTLP_ENDPOINT=${window.location.origin}`}
            >
              The map is told from spans. If no service sends any yet, point its OpenTelemetry SDK here.
            </Empty>
          ) : (
            <>
              {incomplete && (
                <Alert color="violet" variant="light" title="Not all spans were looked at">
                  {incomplete}
                </Alert>
              )}
              <Section title="Who calls whom">
                <ServiceMapDrawing nodes={nodes} edges={edges} />
              </Section>
              <Section title="Services and what they call" count={nodes.length}>
                <DataList label="Services and what they call" items={nodes} columns={NODES} keyOf={(n) => n.name} />
              </Section>
              {edges.length > 0 && (
                <Section title="Calls" count={edges.length}>
                  <DataList label="Calls" items={edges} columns={EDGES} keyOf={(e) => `${e.from} ${e.to}`} />
                </Section>
              )}
            </>
          )
        }
      </Loaded>
    </Page>
  );
}
