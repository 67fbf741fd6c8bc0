// Logs: filters, how many over time, the records themselves.

import { Alert, Group, SegmentedControl } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { LOG_PAGE, logs, services } from "../api/telemetry.ts";
import { Empty } from "../parts/Empty.tsx";
import { FilterBar, OneFilter, optionsOf, TextFilter } from "../parts/Filters.tsx";
import { Page, Section } from "../parts/Page.tsx";
import { Pager } from "../parts/Pager.tsx";
import { Loaded } from "../parts/Problem.tsx";
import { FIRST_PAGE, type LogsSearch, type LogView } from "../url/search.ts";
import { Histogram } from "./telemetry/Histogram.tsx";
import { LiveTail } from "./telemetry/LiveTail.tsx";
import { LogLine } from "./telemetry/LogLine.tsx";
import { PatternList } from "./telemetry/PatternList.tsx";
import { RangePicker, TelemetryTabs } from "./telemetry/TelemetryTabs.tsx";

const route = getRouteApi("/telemetry/logs");
const SEVERITIES = optionsOf(["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"], (s) => `${s} and above`);

export default function LogsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const set = (change: LogsSearch) => void navigate({ search: { ...search, ...change, ...FIRST_PAGE }, replace: true });
  const view = search.view ?? "records";
  const known = useQuery(services());
  return (
    <Page title="Telemetry">
      <TelemetryTabs active="logs" range={search} />
      <FilterBar>
        <TextFilter label="Text in the body" value={search.q} onChange={(q) => set({ q })} />
        <OneFilter
          label="Service"
          value={search.service}
          options={optionsOf(known.data?.items.map((s) => s.name) ?? [], (s) => s)}
          onChange={(service) => set({ service })}
        />
        <OneFilter
          label="Severity"
          value={search.severity}
          options={SEVERITIES}
          onChange={(severity) => set({ severity })}
        />
        <TextFilter
          label="Trace id"
          value={search.trace_id}
          onChange={(trace_id) => set({ trace_id })}
          primary={false}
        />
      </FilterBar>
      <Group gap="md">
        <SegmentedControl
          aria-label="View"
          size="xs"
          data={[
            { value: "records", label: "Records" },
            { value: "patterns", label: "Patterns" },
            { value: "live", label: "Live" },
          ]}
          value={view}
          onChange={(chosen) => set({ view: chosen === "records" ? undefined : (chosen as LogView) })}
        />
        {view !== "live" && <RangePicker range={search} onChange={set} />}
      </Group>
      {view === "records" && <Records search={search} set={set} />}
      {view === "patterns" && (
        <PatternList
          search={search}
          onOpen={(pattern) => set({ view: undefined, q: pattern.constant || pattern.example })}
        />
      )}
      {view === "live" && <LiveTail search={search} />}
    </Page>
  );
}

function Records({ search, set }: { search: LogsSearch; set: (change: LogsSearch) => void }) {
  const navigate = route.useNavigate();
  const query = useQuery(logs(search));
  return (
    <Loaded query={query} lines={8}>
      {({ items, histogram, incomplete, next_cursor }) => (
        <>
          {incomplete && (
            <Alert color="violet" variant="light" title="Not everything could be read">
              {incomplete}
            </Alert>
          )}
          {!search.cursor && (
            <Section title="Over time">
              <Histogram
                buckets={histogram}
                onZoom={(from, to) => set({ from: String(from), to: String(to), range: undefined })}
              />
            </Section>
          )}
          {items.length === 0 ? (
            <Empty title="No record matches" icon="search">
              Widen the time range or take a filter away.
            </Empty>
          ) : (
            <Section title="Records">
              {items.map((record, index) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: records have no id, and equal ones may follow each other
                <LogLine key={`${record.at}-${index}`} record={record} />
              ))}
              <div style={{ marginTop: 12 }}>
                <Pager
                  noun="records"
                  search={search}
                  shown={items.length}
                  next={next_cursor}
                  size={LOG_PAGE}
                  onGo={(page, state) => void navigate({ search: { ...search, ...page }, state })}
                />
              </div>
            </Section>
          )}
        </>
      )}
    </Loaded>
  );
}
