// Changes: deploys, new configurations, and what else was done to the services.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { changes } from "../api/queries.ts";
import { Empty } from "../parts/Empty.tsx";
import { FilterBar, TextFilter } from "../parts/Filters.tsx";
import { Page } from "../parts/Page.tsx";
import { Pager } from "../parts/Pager.tsx";
import { Loaded } from "../parts/Problem.tsx";
import { ChangeTable } from "./change/ChangeTable.tsx";

const route = getRouteApi("/changes");

export default function ChangesPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const query = useQuery(changes(search));
  return (
    <Page title="Changes" lead="What people and pipelines changed. An incident shows those of its services.">
      <FilterBar>
        <TextFilter
          label="Service"
          value={search.service}
          onChange={(service) => void navigate({ search: { service }, replace: true })}
        />
      </FilterBar>
      <Loaded query={query}>
        {({ items, next_cursor }) =>
          items.length === 0 ? (
            <Empty
              title="Nothing was changed"
              icon="next"
              command="watchkeeper change record --service payments --version 1.4.2"
            >
              Let your pipeline tell of each deploy: over HTTP, by PagerDuty's change events, by GitHub's webhooks, or:
            </Empty>
          ) : (
            <>
              <ChangeTable items={items} label="Changes" />
              <Pager
                noun="changes"
                search={search}
                shown={items.length}
                next={next_cursor}
                onGo={(page, how) => void navigate({ search: { ...search, ...page }, state: how })}
              />
            </>
          )
        }
      </Loaded>
    </Page>
  );
}
