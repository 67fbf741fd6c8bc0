// Traces: filters and the newest ones.

import { NumberInput, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { services, traces } from "../api/telemetry.ts";
import type { TraceSummary } from "../api/types.ts";
import { plural } from "../format/number.ts";
import { duration } from "../format/time.ts";
import { type Column, DataList } from "../parts/DataList.tsx";
import { Empty } from "../parts/Empty.tsx";
import { FilterBar, OneFilter, optionsOf, TextFilter } from "../parts/Filters.tsx";
import { Page } from "../parts/Page.tsx";
import { Pager } from "../parts/Pager.tsx";
import { Loaded } from "../parts/Problem.tsx";
import { StateBadge } from "../parts/StateBadge.tsx";
import { At } from "../parts/When.tsx";
import { stateLook } from "../parts/words.ts";
import { FIRST_PAGE, type TracesSearch } from "../url/search.ts";
import { RangePicker, TelemetryTabs } from "./telemetry/TelemetryTabs.tsx";

const route = getRouteApi("/telemetry/traces");
const STATUS = optionsOf(["error", "ok", "unset"], (s) => stateLook(s).word);

const COLUMNS: Column<TraceSummary>[] = [
  { header: "Status", badge: true, width: 115, cell: (t) => <StateBadge state={t.status} /> },
  {
    header: "Trace",
    lead: true,
    cell: (t) => (
      <div className="wk-wrap">
        <Link to="/telemetry/traces/$id" params={{ id: t.trace_id }}>
          {t.operation}
        </Link>
        <Text size="xs" c="dimmed">
          {t.service} · {t.trace_id.slice(0, 12)}…
        </Text>
      </div>
    ),
  },
  { header: "Took", numeric: true, width: 90, cell: (t) => duration(t.duration_ms) },
  {
    header: "Spans",
    numeric: true,
    width: 150,
    cell: (t) => `${t.span_count} in ${plural(t.service_count, "service")}`,
  },
  {
    header: "Began",
    wide: true,
    width: 180,
    cell: (t) => (
      <Text size="sm">
        <At at={t.started_at} />
      </Text>
    ),
  },
];

export default function TracesPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const set = (change: TracesSearch) =>
    void navigate({ search: { ...search, ...change, ...FIRST_PAGE }, replace: true });
  const query = useQuery(traces(search));
  const known = useQuery(services());
  return (
    <Page title="Telemetry">
      <TelemetryTabs active="traces" range={search} />
      <FilterBar>
        <TextFilter label="Operation" value={search.operation} onChange={(operation) => set({ operation })} />
        <OneFilter
          label="Service"
          value={search.service}
          options={optionsOf(known.data?.items.map((s) => s.name) ?? [], (s) => s)}
          onChange={(service) => set({ service })}
        />
        <OneFilter label="Status" value={search.status} options={STATUS} onChange={(status) => set({ status })} />
        <NumberInput
          size="xs"
          aria-label="Shortest duration in milliseconds"
          placeholder="At least … ms"
          min={0}
          w={140}
          value={search.min_duration_ms ?? ""}
          onChange={(ms) => set({ min_duration_ms: ms === "" ? undefined : String(ms) })}
        />
      </FilterBar>
      <RangePicker range={search} onChange={set} />
      <Loaded query={query}>
        {({ items, total, next_cursor }) =>
          items.length === 0 ? (
            <Empty
              title="No trace matches"
              icon="search"
              command={`export OTEL_EXPORTER_OTLP_ENDPOINT=${window.location.origin}`}
            >
              Widen the time range or take a filter away. If no service sends spans yet, point its OpenTelemetry SDK
              here.
            </Empty>
          ) : (
            <>
              <DataList
                label="Traces"
                items={items}
                columns={COLUMNS}
                keyOf={(t) => t.trace_id}
                onOpen={(t) => void navigate({ to: "/telemetry/traces/$id", params: { id: t.trace_id } })}
              />
              <Pager
                noun="traces"
                search={search}
                shown={items.length}
                total={total}
                next={next_cursor}
                onGo={(page, state) => void navigate({ search: { ...search, ...page }, state })}
              />
            </>
          )
        }
      </Loaded>
    </Page>
  );
}
