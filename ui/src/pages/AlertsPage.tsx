// All alerts, filtered.

import { Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { alerts } from "../api/queries.ts";
import { plural } from "../format/number.ts";
import { Empty } from "../parts/Empty.tsx";
import { FilterBar, ManyFilter, optionsOf, TextFilter } from "../parts/Filters.tsx";
import { Page } from "../parts/Page.tsx";
import { Loaded } from "../parts/Problem.tsx";
import { CATEGORY_WORDS, categoryWord, PRIORITY_WORDS, priorityLook, stateLook } from "../parts/words.ts";
import type { AlertSearch } from "../url/search.ts";
import { AlertTable } from "./alert/AlertTable.tsx";

const route = getRouteApi("/alerts");
const STATES = optionsOf(["firing", "pending", "unknown", "resolved"], (s) => stateLook(s).word);
const CATEGORIES = optionsOf(CATEGORY_WORDS, categoryWord);
const PRIORITIES = optionsOf(PRIORITY_WORDS, (p) => priorityLook(p).word);

export default function AlertsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const query = useQuery(alerts(search));
  const set = (change: AlertSearch) => void navigate({ search: { ...search, ...change }, replace: true });
  const filtered = Object.values(search).some(Boolean);
  return (
    <Page title="Alerts" lead="Most urgent first. Without a state filter: pending, firing and unknown.">
      <FilterBar>
        <TextFilter label="Name, title or label" value={search.q} onChange={(q) => set({ q })} />
        <ManyFilter label="State" value={search.state} options={STATES} onChange={(state) => set({ state })} />
        <ManyFilter
          label="Priority"
          value={search.priority}
          options={PRIORITIES}
          onChange={(priority) => set({ priority })}
        />
        <ManyFilter
          label="Category"
          value={search.category}
          options={CATEGORIES}
          onChange={(category) => set({ category })}
        />
      </FilterBar>
      <Loaded query={query}>
        {({ items, next_cursor }) =>
          items.length === 0 ? (
            <Empty
              title={filtered ? "No alert matches" : "No alert is active"}
              icon="bell"
              command={filtered ? undefined : "watchkeeper alert list --state resolved"}
            >
              {filtered
                ? "Take a filter away, or add the state Resolved to look at the past."
                : "Nothing is pending, firing or unknown. Past alerts are under the state Resolved, or on the command line:"}
            </Empty>
          ) : (
            <>
              <AlertTable alerts={items} label="Alerts" />
              <Text size="xs" c="dimmed">
                {plural(items.length, "alert")}
                {next_cursor && "; more match than are shown, so narrow the filter"}
              </Text>
            </>
          )
        }
      </Loaded>
    </Page>
  );
}
