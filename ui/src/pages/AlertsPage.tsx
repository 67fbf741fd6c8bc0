// All alerts: filtered, sorted, page by page; and commands about many of them at once.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { alertCounts, alerts, me } from "../api/queries.ts";
import type { Alert } from "../api/types.ts";
import { count } from "../format/number.ts";
import { Empty } from "../parts/Empty.tsx";
import { FilterBar, ManyFilter, OneFilter, optionsOf, TextFilter } from "../parts/Filters.tsx";
import { Page } from "../parts/Page.tsx";
import { Pager } from "../parts/Pager.tsx";
import { Loaded } from "../parts/Problem.tsx";
import { CATEGORY_WORDS, categoryWord, PRIORITY_WORDS, priorityLook, stateLook } from "../parts/words.ts";
import { ALERT_SORTS, type AlertSearch, type AlertSort, FIRST_PAGE } from "../url/search.ts";
import { AlertTable } from "./alert/AlertTable.tsx";
import { BulkBar } from "./alert/BulkBar.tsx";
import { useSelection } from "./alert/useSelection.ts";

const route = getRouteApi("/alerts");
const STATES = ["firing", "unknown", "resolved"] as const;
const SORT_WORDS: Record<AlertSort, string> = {
  urgency: "Most urgent first",
  newest: "Newest first",
  oldest: "Oldest first",
  name: "By name",
};
const NONE: Alert[] = [];

export default function AlertsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const query = useQuery(alerts(search));
  const items = query.data?.items ?? NONE;
  const { selection, alerts: chosen, clear } = useSelection(items);
  const set = (change: AlertSearch) =>
    void navigate({ search: { ...search, ...change, ...FIRST_PAGE }, replace: true });
  const { cursor: _, page: __, sort, ...filters } = search;
  const filtered = Object.values(filters).some(Boolean);
  const owners = [...new Set(items.flatMap((alert) => (alert.owner ? [alert.owner] : [])))];
  return (
    <Page
      title="Alerts"
      lead="Without a state filter: those that fire, and those of which nobody knows whether they do."
    >
      <AlertFilters search={search} owners={owners} onChange={set} />
      <Loaded query={query}>
        {({ total, next_cursor }) =>
          items.length === 0 ? (
            <Empty
              title={filtered ? "No alert matches" : "No alert is active"}
              icon="bell"
              command={filtered ? undefined : "watchkeeper alert list --state resolved"}
            >
              {filtered
                ? "Take a filter away, or add the state Resolved to look at the past."
                : "Nothing is firing or unknown. Past alerts are under the state Resolved, or on the command line:"}
            </Empty>
          ) : (
            <>
              <AlertTable
                alerts={items}
                label="Alerts"
                sort={sort ?? "urgency"}
                onSort={(by) => set({ sort: by as AlertSort })}
                selection={selection}
              />
              <Pager
                noun="alerts"
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
      <BulkBar alerts={chosen} owners={owners} onDone={clear} />
    </Page>
  );
}

type FiltersProps = { search: AlertSearch; owners: string[]; onChange: (change: AlertSearch) => void };

/** Each word with the number of alerts that it would leave. */
function AlertFilters({ search, owners, onChange: set }: FiltersProps) {
  const { data: counts } = useQuery(alertCounts(search));
  const { data: myself } = useQuery(me());
  const counted = (
    words: readonly string[],
    numbers: Record<string, number> | undefined,
    label: (w: string) => string,
  ) =>
    optionsOf(words, (word) => {
      const many = numbers?.[word];
      return many === undefined ? label(word) : `${label(word)} · ${count(many)}`;
    });
  const services = Object.entries(counts?.services ?? {}).toSorted(([a, m], [b, n]) => n - m || a.localeCompare(b));
  const people = [...new Set([...(myself ? [myself.name] : []), ...owners, ...(search.owner ? [search.owner] : [])])];
  const named = people.filter((name) => name !== "nobody");
  return (
    <FilterBar>
      <TextFilter label="Name, title or label" value={search.q} onChange={(q) => set({ q })} />
      <ManyFilter
        label="State"
        value={search.state}
        options={counted(STATES, counts?.states, (s) => stateLook(s).word)}
        onChange={(state) => set({ state })}
      />
      <ManyFilter
        label="Service"
        value={search.service}
        options={counted(
          [...new Set([...services.map(([name]) => name), ...(search.service?.split(",") ?? [])])],
          counts?.services,
          (s) => s,
        )}
        onChange={(service) => set({ service })}
      />
      <ManyFilter
        label="Priority"
        value={search.priority}
        options={counted(PRIORITY_WORDS, counts?.priorities, (p) => priorityLook(p).word)}
        onChange={(priority) => set({ priority })}
      />
      <ManyFilter
        label="Category"
        value={search.category}
        options={counted(CATEGORY_WORDS, counts?.categories, categoryWord)}
        onChange={(category) => set({ category })}
      />
      <OneFilter
        label="Owner"
        value={search.owner}
        options={[
          { value: "nobody", label: "Nobody" },
          ...optionsOf(named, (name) => (name === myself?.name ? `${name} (me)` : name)),
        ]}
        onChange={(owner) => set({ owner })}
      />
      <OneFilter
        label="Order"
        always
        value={search.sort ?? "urgency"}
        options={optionsOf(ALERT_SORTS, (by) => SORT_WORDS[by as AlertSort])}
        onChange={(by) => set({ sort: by === "urgency" ? undefined : (by as AlertSort | undefined) })}
      />
    </FilterBar>
  );
}
