// The compared value around an alert, with its threshold and the time in which it fired.

import { Anchor, Code, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { alertChart } from "../../api/queries.ts";
import type { AlertChart } from "../../api/types.ts";
import { Chart } from "../../chart/LazyChart.tsx";
import { type ChartLine, distinctNames, shade } from "../../chart/transform.ts";
import { Section } from "../../parts/Page.tsx";
import { Loaded } from "../../parts/Problem.tsx";
import { comparisonSign } from "../../parts/words.ts";
import { useMarks } from "../change/useMarks.ts";

export function AlertChartCard({ id }: { id: string }) {
  const query = useQuery(alertChart(id));
  return (
    <Section title="Value and threshold" aside={query.data && <Explore chart={query.data} />}>
      <Loaded query={query} lines={6}>
        {(chart) => <Drawn chart={chart} />}
      </Loaded>
    </Section>
  );
}

function Explore({ chart }: { chart: AlertChart }) {
  const search = { expr: chart.query, from: String(Date.parse(chart.start)), to: String(Date.parse(chart.end)) };
  return (
    <Anchor component={Link} to="/telemetry/metrics" search={search as never} size="sm">
      Explore
    </Anchor>
  );
}

function Drawn({ chart }: { chart: AlertChart }) {
  const drawn = useMemo(() => {
    const window = { start: Date.parse(chart.start), end: Date.parse(chart.end) };
    const names = distinctNames(chart.series.map((series) => series.labels));
    const lines: ChartLine[] = chart.series.map((series, index) => ({
      name: names[index] ?? "value",
      points: series.points.map(([t, value]) => [t ?? 0, value ?? null]),
    }));
    return { ...window, lines, spans: shade(chart.spans, window) };
  }, [chart]);
  const marks = useMarks(drawn.start, drawn.end);
  return (
    <>
      <Chart
        title="Value and threshold"
        {...drawn}
        marks={marks}
        unit={chart.unit}
        threshold={chart.threshold}
        comparison={comparisonSign(chart.comparison)}
      />
      <Text size="xs" c="dimmed" mt="xs" className="wk-wrap">
        <Code fz="xs">{chart.query}</Code> · shaded: firing (solid edge), pending (dashed), unknown (dotted)
      </Text>
    </>
  );
}
