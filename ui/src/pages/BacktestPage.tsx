// What a rule would have done over stored history: its pages by day and by night, the incidents that it would have caught,
// and other thresholds to try before anybody is woken by this one.

import {
  Alert,
  Button,
  Group,
  Progress,
  SegmentedControl,
  Stack,
  Table,
  Text,
  Textarea,
  TextInput,
} from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";
import type { BacktestBand, BacktestReport, Replayed } from "../api/types.ts";
import { useUtc } from "../app/preferences.ts";
import { Chart } from "../chart/LazyChart.tsx";
import type { ChartSpan } from "../chart/transform.ts";
import { digits, plural } from "../format/number.ts";
import { absolute, duration } from "../format/time.ts";
import { Empty } from "../parts/Empty.tsx";
import { Labels } from "../parts/Labels.tsx";
import { Page, Section } from "../parts/Page.tsx";
import { ProblemNotice } from "../parts/Problem.tsx";
import { BACKTEST_LENGTHS, type BacktestSearch } from "../url/search.ts";
import { Incidents } from "./backtest/Incidents.tsx";
import {
  asked,
  bandLines,
  type Choice,
  follow,
  holdText,
  lines,
  nearest,
  ownChoice,
  spans,
  withThreshold,
} from "./backtest/run.ts";
import { Settings } from "./backtest/Settings.tsx";
import { DayStrip, HourStrip } from "./backtest/Strips.tsx";
import { unitOf } from "./telemetry/metrics.ts";

const route = getRouteApi("/rules/backtest");
/** More alerts than these say nothing more. */
const MOST_ROWS = 50;

export default function BacktestPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const set = (change: BacktestSearch) => void navigate({ search: { ...search, ...change } });
  const request = asked(search);
  const [progress, setProgress] = useState(0);
  const query = useQuery({
    queryKey: ["backtest", request],
    enabled: request !== null,
    queryFn: ({ signal }) => (request ? follow(request, signal, setProgress) : Promise.reject(new Error("nothing"))),
    retry: false,
    staleTime: 300_000,
    refetchOnWindowFocus: false,
    placeholderData: (previous) => previous,
  });
  const report = query.data;
  return (
    <Page
      title={report ? `Backtest: ${report.candidate.name}` : "Backtest"}
      above={<Link to="/rules">Rules</Link>}
      lead="The rule is replayed over stored history by the code that runs it: what it would have done, before it wakes anybody."
    >
      <Ask key={JSON.stringify(search)} search={search} report={report} onRun={set} />
      {query.isFetching && (
        <Progress value={Math.max(2, progress * 100)} aria-label="Progress of the backtest" animated />
      )}
      {query.isError && <ProblemNotice error={query.error} retry={() => void query.refetch()} />}
      {report && !query.isError && <Told report={report} onReplay={set} />}
      {request === null && (
        <Empty title="Nothing is replayed yet" icon="rule" command="watchkeeper backtest RULE --since 30d">
          Write an expression above, or open a rule from the list of rules. The same from a terminal:
        </Empty>
      )}
    </Page>
  );
}

type AskProps = { search: BacktestSearch; report?: BacktestReport; onRun: (change: BacktestSearch) => void };

function Ask({ search, report, onRun }: AskProps) {
  const [expr, setExpr] = useState(search.expr ?? report?.candidate.expr ?? "");
  const [hold, setHold] = useState(search.for ?? report?.candidate.for ?? "");
  useEffect(() => {
    if (!search.expr && report) setExpr(report.candidate.expr);
    if (!search.for && report) setHold(report.candidate.for);
  }, [report, search.expr, search.for]);
  const run = (change: BacktestSearch = {}) => onRun({ expr: expr.trim(), for: hold.trim() || undefined, ...change });
  return (
    <Stack gap="xs">
      <Group align="flex-end" gap="xs">
        <Textarea
          label="PromQL"
          placeholder='sum by (service) (rate(http_server_request_duration_seconds_count{http_response_status_code=~"5.."}[5m])) > 1'
          autosize
          minRows={2}
          maxLength={4_000}
          value={expr}
          onChange={(e) => setExpr(e.currentTarget.value)}
          onKeyDown={(e) => {
            if (e.key === "Enter" && !e.shiftKey) {
              e.preventDefault();
              run();
            }
          }}
          styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
          spellCheck={false}
          data-search
          style={{ flex: 1 }}
        />
        <TextInput label="for" placeholder="0s" w={90} value={hold} onChange={(e) => setHold(e.currentTarget.value)} />
        <Button size="sm" onClick={() => run()} disabled={expr.trim() === ""}>
          Replay
        </Button>
      </Group>
      <SegmentedControl
        aria-label="How far back"
        size="xs"
        w="fit-content"
        data={[...BACKTEST_LENGTHS]}
        value={search.since ?? "7d"}
        onChange={(since) => (expr.trim() === "" ? onRun({ since }) : run({ since }))}
      />
    </Stack>
  );
}

function Told({ report, onReplay }: { report: BacktestReport; onReplay: (change: BacktestSearch) => void }) {
  const rule = report.candidate;
  const explored = rule.exploration;
  const own = useMemo(() => (explored ? ownChoice(rule, explored) : null), [rule, explored]);
  const [chosen, setChosen] = useState<Choice | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another report is another set of choices
  useEffect(() => setChosen(null), [report]);
  const choice = chosen ?? own;
  const drawn = useMemo(() => lines(report), [report]);
  const shaded = useMemo(() => spans(rule), [rule]);
  const threshold = explored && choice ? explored.thresholds[choice.threshold] : rule.threshold;
  return (
    <>
      <Section
        title="What would have been"
        aside={
          <Text size="xs" c="dimmed">
            {plural(rule.series, "series", "series")}, every {holdText(rule.step_seconds)}, in{" "}
            {digits(report.took_seconds)} s
          </Text>
        }
      >
        <Figures report={report} />
      </Section>
      <Section title="Timeline">
        <Chart
          title={report.chart.query}
          lines={drawn}
          start={Date.parse(rule.start)}
          end={Date.parse(rule.end)}
          unit={unitOf(report.chart.query)}
          threshold={threshold}
          comparison={rule.comparison}
          spans={shaded}
          height={300}
          onThreshold={
            explored && choice ? (value) => setChosen({ ...choice, threshold: nearest(explored, value) }) : undefined
          }
        />
        {report.chart.series_total > drawn.length && (
          <Text size="xs" c="dimmed">
            The {drawn.length} series of {report.chart.series_total} that come closest to the threshold, or pass it
            farthest.
          </Text>
        )}
        <Stack gap="sm" mt="md">
          <DayStrip rule={rule} />
          <HourStrip rule={rule} />
        </Stack>
      </Section>
      {report.band && <Band rule={rule} band={report.band} shaded={shaded} />}
      {explored && choice && (
        <Section title="Threshold and for">
          <Settings
            rule={rule}
            explored={explored}
            choice={choice}
            onChoose={setChosen}
            onReplay={() =>
              onReplay({
                expr: withThreshold(rule, explored.thresholds[choice.threshold] ?? 0),
                for: holdText(explored.holds_seconds[choice.hold] ?? 0),
              })
            }
          />
        </Section>
      )}
      <Section title="Known incidents" count={rule.incidents.length}>
        <Incidents report={report} />
      </Section>
      <Firings rule={rule} />
    </>
  );
}

function Band({ rule, band, shaded }: { rule: Replayed; band: BacktestBand; shaded: ChartSpan[] }) {
  const drawn = useMemo(() => bandLines(band), [band]);
  return (
    <Section title="What history says">
      <Chart
        title={band.query}
        lines={drawn.lines}
        bands={drawn.bands}
        start={Date.parse(rule.start)}
        end={Date.parse(rule.end)}
        unit={unitOf(band.query)}
        spans={shaded}
        height={300}
      />
      <Text size="xs" c="dimmed" className="wk-wrap">
        {band.parameters}. Where the edges are missing, there was too little history.
      </Text>
    </Section>
  );
}

function Figures({ report }: { report: BacktestReport }) {
  const utc = useUtc();
  const { candidate: rule, current } = report;
  const rows: [string, (rule: Replayed) => string][] = [
    ["for", (r) => r.for],
    [
      "Expected pages per week",
      (r) =>
        r.pages_per_week === null || r.pages_per_week === undefined ? "too little is known" : digits(r.pages_per_week),
    ],
    ["Pages", (r) => `${r.pages}, ${r.pages_at_night} of them between 22:00 and 07:00`],
    ["Pages without a known incident", (r) => String(r.pages_without_incident)],
    [
      "Incidents caught",
      (r) =>
        r.incidents.length === 0
          ? "none is known"
          : `${r.incidents.filter((i) => i.verdict === "caught").length} of ${r.incidents.length}`,
    ],
    ["Did not last for long enough", (r) => String(r.not_held)],
    ["On for", (r) => `${length(r.firing_seconds)}, at most ${length(r.longest_seconds)} at a time`],
    ["Unknown for", (r) => length(r.unknown_seconds)],
  ];
  return (
    <Stack gap="sm">
      <Table withRowBorders={false} verticalSpacing={2} w="auto">
        <Table.Thead>
          <Table.Tr>
            <Table.Th />
            <Table.Th>This rule</Table.Th>
            {current && <Table.Th>The rule that runs</Table.Th>}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map(([name, figure]) => (
            <Table.Tr key={name}>
              <Table.Th fw={400}>{name}</Table.Th>
              <Table.Td fw={600}>{figure(rule)}</Table.Td>
              {current && <Table.Td>{figure(current)}</Table.Td>}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {rule.unknown.slice(0, 3).map((unknown) => (
        <Alert key={unknown.start} color="violet" variant="light">
          Unknown from {absolute(Date.parse(unknown.start), utc)} to{" "}
          {unknown.end ? absolute(Date.parse(unknown.end), utc) : "the end"}: {unknown.reason}
        </Alert>
      ))}
    </Stack>
  );
}

const length = (seconds: number) => (seconds === 0 ? "0s" : duration(seconds * 1_000));

function Firings({ rule }: { rule: Replayed }) {
  const utc = useUtc();
  if (rule.firings.length === 0) return null;
  const shown = rule.firings.toReversed().slice(0, MOST_ROWS);
  return (
    <Section title="Alerts" count={rule.fired}>
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Fired</Table.Th>
            <Table.Th>For</Table.Th>
            <Table.Th>Value</Table.Th>
            <Table.Th>Labels</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {shown.map((firing) => (
            <Table.Tr key={`${firing.fired_at} ${JSON.stringify(firing.labels)}`}>
              <Table.Td>{absolute(Date.parse(firing.fired_at), utc)}</Table.Td>
              <Table.Td>
                {firing.resolved_at
                  ? duration(Date.parse(firing.resolved_at) - Date.parse(firing.fired_at))
                  : "on at the end"}
              </Table.Td>
              <Table.Td>{firing.value === null || firing.value === undefined ? "–" : digits(firing.value)}</Table.Td>
              <Table.Td className="wk-wrap">
                <Labels labels={firing.labels} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {rule.fired > shown.length && (
        <Text size="xs" c="dimmed">
          The last {shown.length} of {plural(rule.fired, "alert")}.
        </Text>
      )}
    </Section>
  );
}
