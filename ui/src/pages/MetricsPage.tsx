// Metrics: a PromQL box, a chart, and the names that there are.

import { Alert, Button, Group, ScrollArea, Stack, Text, TextInput, UnstyledButton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";
import { metrics, promRange } from "../api/telemetry.ts";
import type { Metric } from "../api/types.ts";
import { Chart } from "../chart/LazyChart.tsx";
import { PromqlEditor } from "../editor/LazyEditor.tsx";
import { plural } from "../format/number.ts";
import { Empty } from "../parts/Empty.tsx";
import { Page, Section } from "../parts/Page.tsx";
import { Loaded } from "../parts/Problem.tsx";
import type { MetricsSearch } from "../url/search.ts";
import { useMarks } from "./change/useMarks.ts";
import { firstQuery, unitOf } from "./telemetry/metrics.ts";
import { RangePicker, TelemetryTabs } from "./telemetry/TelemetryTabs.tsx";

const route = getRouteApi("/telemetry/metrics");
/** A chart of more lines says nothing and stalls the page. */
const MAX_LINES = 60;

export default function MetricsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const set = (change: MetricsSearch) => void navigate({ search: { ...search, ...change } });
  const expr = search.expr ?? "";
  const result = useQuery(promRange(expr, search));
  return (
    <Page title="Telemetry">
      <TelemetryTabs active="metrics" range={search} />
      <QueryBox expr={expr} onRun={(next) => set({ expr: next })} />
      <Group justify="space-between">
        <RangePicker range={search} onChange={set} />
        {result.data && (
          <Text size="xs" c="dimmed">
            {plural(result.data.lines.length, "line")}
          </Text>
        )}
      </Group>
      {expr !== "" && (
        <Section title="Result">
          <Loaded query={result} lines={6}>
            {({ lines, start, end, warnings }) => (
              <Stack gap="xs">
                {warnings.map((warning) => (
                  <Alert key={warning} color="yellow" variant="light">
                    {warning}
                  </Alert>
                ))}
                {lines.length > MAX_LINES && (
                  <Alert
                    color="yellow"
                    variant="light"
                  >{`The first ${MAX_LINES} of ${lines.length} lines. Narrow the query, or aggregate with sum by (…).`}</Alert>
                )}
                <Result
                  lines={lines}
                  start={start}
                  end={end}
                  expr={expr}
                  onZoom={(from, to) => set({ from: String(from), to: String(to), range: undefined })}
                />
              </Stack>
            )}
          </Loaded>
        </Section>
      )}
      <MetricNames onChoose={(metric) => set({ expr: firstQuery(metric) })} />
    </Page>
  );
}

function Result({
  lines,
  expr,
  ...window
}: Pick<Parameters<typeof Chart>[0], "lines" | "start" | "end" | "onZoom"> & { expr: string }) {
  const shown = useMemo(() => lines.slice(0, MAX_LINES), [lines]);
  const marks = useMarks(window.start, window.end);
  if (lines.length === 0)
    return (
      <Text size="sm" c="dimmed">
        The query is fine, but nothing in this time range matches it.
      </Text>
    );
  return <Chart title={expr} lines={shown} unit={unitOf(expr)} height={320} marks={marks} {...window} />;
}

function QueryBox({ expr, onRun }: { expr: string; onRun: (expr: string) => void }) {
  const [text, setText] = useState(expr);
  useEffect(() => setText(expr), [expr]);
  return (
    <Group align="flex-end" gap="xs">
      <div style={{ flex: 1, minWidth: 0 }}>
        <PromqlEditor
          placeholder="sum by (service) (rate(http_server_request_duration_seconds_count[5m]))"
          value={text}
          onChange={setText}
          onRun={(next) => onRun(next.trim())}
        />
      </div>
      <Button size="sm" onClick={() => onRun(text.trim())}>
        Run
      </Button>
    </Group>
  );
}

function MetricNames({ onChoose }: { onChoose: (metric: Metric) => void }) {
  const query = useQuery(metrics());
  const [filter, setFilter] = useState("");
  return (
    <Section
      title="Metrics"
      count={query.data?.items.length}
      aside={
        <TextInput
          size="xs"
          aria-label="Filter metrics"
          placeholder="Filter"
          value={filter}
          onChange={(e) => setFilter(e.currentTarget.value)}
        />
      }
    >
      <Loaded query={query}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty
              title="No metric has arrived"
              icon="chart"
              command={`export OTEL_EXPORTER_OTLP_ENDPOINT=${window.location.origin}`}
            >
              Send OTLP, or let Prometheus write here with remote_write to /api/v1/write.
            </Empty>
          ) : (
            <ScrollArea.Autosize mah={420} tabIndex={0}>
              {items
                .filter((m) => m.name.toLowerCase().includes(filter.toLowerCase()))
                .map((m) => (
                  <UnstyledButton key={m.name} onClick={() => onChoose(m)} w="100%" py={4} className="wk-metric">
                    <Group justify="space-between" wrap="nowrap" gap="sm">
                      <Text size="sm" ff="monospace" className="wk-wrap">
                        {m.name}
                      </Text>
                      <Text size="xs" c="dimmed" className="wk-number">
                        {m.kind} · {plural(m.series, "series", "series")}
                      </Text>
                    </Group>
                    {m.help && (
                      <Text size="xs" c="dimmed" className="wk-wrap">
                        {m.help}
                      </Text>
                    )}
                  </UnstyledButton>
                ))}
            </ScrollArea.Autosize>
          )
        }
      </Loaded>
    </Section>
  );
}
