// Targets: what is scraped, how the last scrape went, and what was found and is not scraped. Not probes: a target speaks
// for itself.

import { Alert, Group, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { targets } from "../api/queries.ts";
import type { DroppedTarget, Target } from "../api/types.ts";
import { count, plural } from "../format/number.ts";
import { duration } from "../format/time.ts";
import { type Column, DataList } from "../parts/DataList.tsx";
import { Empty } from "../parts/Empty.tsx";
import { FilterBar, ManyFilter, OneFilter, optionsOf, TextFilter } from "../parts/Filters.tsx";
import { Icon } from "../parts/icons.tsx";
import { Labels, SafeLink } from "../parts/Labels.tsx";
import { Page, Section } from "../parts/Page.tsx";
import { Loaded } from "../parts/Problem.tsx";
import { StateBadge } from "../parts/StateBadge.tsx";
import { Age, When } from "../parts/When.tsx";
import { stateLook } from "../parts/words.ts";
import type { TargetSearch } from "../url/search.ts";

const route = getRouteApi("/targets");

const COLUMNS: Column<Target>[] = [
  { header: "State", badge: true, width: 110, cell: (t) => <StateBadge state={t.state} reason={t.detail} /> },
  {
    header: "Target",
    lead: true,
    cell: (t) => (
      <div className="wk-wrap">
        <b>{t.job}</b>{" "}
        <Text span size="sm">
          <SafeLink href={t.url} />
        </Text>
        {t.detail && (
          <Text size="sm" c={t.state === "up" ? "orange" : stateLook(t.state).color}>
            {t.detail}
          </Text>
        )}
        <Labels labels={t.labels} limit={6} />
      </div>
    ),
  },
  { header: "Samples", numeric: true, width: 90, cell: (t) => (t.last_scrape_at ? count(t.samples) : "–") },
  {
    header: "Took",
    numeric: true,
    width: 85,
    cell: (t) => (t.last_duration_ms == null ? "–" : duration(t.last_duration_ms)),
  },
  {
    header: "Last scrape",
    width: 160,
    cell: (t) => (
      <Text size="sm">
        <When at={t.last_scrape_at} /> <Dimmed>every {t.interval}</Dimmed>
      </Text>
    ),
  },
  { header: "For", numeric: true, width: 95, cell: (t) => <Age since={t.since} /> },
];

const DROPPED: Column<DroppedTarget>[] = [
  { header: "Job", lead: true, width: 160, cell: (d) => <b>{d.job}</b> },
  { header: "Found as", wide: true, cell: (d) => <Labels labels={d.discovered} limit={8} /> },
  { header: "Why", width: 280, cell: (d) => <Text size="sm">{d.detail ?? "relabelling dropped it"}</Text> },
];

function Dimmed({ children }: { children: React.ReactNode }) {
  return (
    <Text span size="xs" c="dimmed">
      {children}
    </Text>
  );
}

/** Whether a target is what the search asks for. The list is whole: the server keeps it in memory. */
const wanted = (search: TargetSearch) => (target: Target) => {
  const text = search.q?.toLowerCase();
  return (
    (!search.state || search.state.split(",").includes(target.state)) &&
    (!search.job || search.job === target.job) &&
    (!text ||
      target.url.toLowerCase().includes(text) ||
      Object.entries(target.labels).some(([name, value]) => `${name}=${value}`.toLowerCase().includes(text)))
  );
};

export default function TargetsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const query = useQuery(targets());
  const set = (change: TargetSearch) => void navigate({ search: { ...search, ...change }, replace: true });
  return (
    <Page title="Targets" lead="What is scraped. A target that was not scraped yet is unknown, not up.">
      <Loaded query={query}>
        {({ items, dropped, problems }) => {
          if (items.length + dropped.length + problems.length === 0) {
            return (
              <Empty title="Nothing is scraped" icon="target" command="watchkeeper check --schema">
                Programs that show Prometheus metrics are read where `scrape_configs` says so. The schema of the
                configuration says what it takes:
              </Empty>
            );
          }
          const shown = items.filter(wanted(search));
          const jobs = [...new Set(items.map((t) => t.job))].sort();
          return (
            <Stack gap="md">
              {problems.map((p) => (
                <Alert
                  key={`${p.job} ${p.detail}`}
                  color="red"
                  variant="light"
                  icon={<Icon name="failed" />}
                  title={`Job ${p.job}`}
                >
                  <Text size="sm" className="wk-wrap">
                    {p.detail}
                  </Text>
                </Alert>
              ))}
              <FilterBar>
                <TextFilter label="Address or label=value" value={search.q} onChange={(q) => set({ q })} />
                <ManyFilter
                  label="State"
                  value={search.state}
                  options={optionsOf(["down", "unknown", "up"], (state) => stateLook(state).word)}
                  onChange={(state) => set({ state })}
                />
                <OneFilter
                  label="Job"
                  value={search.job}
                  options={optionsOf(jobs, (job) => job)}
                  onChange={(job) => set({ job })}
                />
              </FilterBar>
              <Group gap="xs">
                <Text size="sm" c="dimmed">
                  {plural(shown.length, "target", "targets")}
                  {shown.length < items.length && ` of ${count(items.length)}`}
                </Text>
              </Group>
              {shown.length === 0 ? (
                <Empty title="No target matches" icon="target">
                  Take a filter away.
                </Empty>
              ) : (
                <DataList
                  label="Targets"
                  items={shown}
                  columns={COLUMNS}
                  keyOf={(t) => `${t.job} ${t.url} ${JSON.stringify(t.labels)}`}
                />
              )}
              {dropped.length > 0 && (
                <Section title="Found and not scraped" count={dropped.length}>
                  <DataList
                    label="Found and not scraped"
                    items={dropped}
                    columns={DROPPED}
                    keyOf={(d) => `${d.job} ${JSON.stringify(d.discovered)}`}
                  />
                </Section>
              )}
            </Stack>
          );
        }}
      </Loaded>
    </Page>
  );
}
