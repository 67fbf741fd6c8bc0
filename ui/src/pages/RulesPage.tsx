// Rules as they run: state, when last evaluated, at what cost, when due next, and why one is unknown.

import { Badge, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { rules } from "../api/queries.ts";
import type { Rule } from "../api/types.ts";
import { micros, plural } from "../format/number.ts";
import { type Column, DataList } from "../parts/DataList.tsx";
import { Empty } from "../parts/Empty.tsx";
import { FilterBar, ManyFilter, optionsOf, TextFilter } from "../parts/Filters.tsx";
import { SafeLink } from "../parts/Labels.tsx";
import { Expression } from "../parts/More.tsx";
import { Page } from "../parts/Page.tsx";
import { Loaded } from "../parts/Problem.tsx";
import { PriorityBadge, StateBadge } from "../parts/StateBadge.tsx";
import { When } from "../parts/When.tsx";
import { categoryWord, stateLook } from "../parts/words.ts";
import { filterRules } from "./rules.ts";

const route = getRouteApi("/rules");
const STATES = optionsOf(["firing", "pending", "unknown", "ok"], (s) => stateLook(s).word);

const COLUMNS: Column<Rule>[] = [
  { header: "State", badge: true, width: 115, cell: (r) => <StateBadge state={r.state} reason={r.unknown_reason} /> },
  {
    header: "Rule",
    lead: true,
    cell: (r) => (
      <div className="wk-wrap">
        <b>{r.name}</b>
        <Text size="xs" c="dimmed" component="div">
          {r.group} · {categoryWord(r.category)}
          {r.hold_for && ` · for ${r.hold_for}`}
          {r.runbook_url && (
            <>
              {" "}
              · <SafeLink href={r.runbook_url}>runbook</SafeLink>
            </>
          )}
        </Text>
        {r.unknown_reason && (
          <Text size="sm" c="violet">
            {r.unknown_reason}
          </Text>
        )}
        <Expression text={r.expr} />
      </div>
    ),
  },
  { header: "Priority", badge: true, width: 105, cell: (r) => <PriorityBadge priority={r.priority} /> },
  {
    header: "Active",
    width: 90,
    cell: (r) =>
      r.instances.length === 0 ? (
        <Text size="sm" c="dimmed">
          none
        </Text>
      ) : (
        <Link to="/alerts" search={{ q: r.name }}>
          <Badge color="red">{plural(r.instances.length, "instance")}</Badge>
        </Link>
      ),
  },
  {
    header: "Evaluated",
    width: 115,
    cell: (r) => (
      <Text size="sm">
        <When at={r.last_evaluated_at} />
      </Text>
    ),
  },
  { header: "Cost", numeric: true, width: 85, cell: (r) => micros(r.last_duration_us) },
  {
    header: "Due",
    width: 95,
    cell: (r) => (
      <Text size="sm">
        <When at={r.next_due_at} missing="on arrival" />
      </Text>
    ),
  },
  {
    header: "Failed",
    numeric: true,
    width: 75,
    cell: (r) =>
      r.failures > 0 ? (
        <Text span inherit c="red">
          {r.failures}
        </Text>
      ) : (
        0
      ),
  },
];

export default function RulesPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const query = useQuery(rules());
  const set = (change: typeof search) => void navigate({ search: { ...search, ...change }, replace: true });
  return (
    <Page
      title="Rules"
      lead="A rule is evaluated when a sample that it depends on arrives, and when it is due at the latest."
    >
      <FilterBar>
        <TextFilter label="Name, group or expression" value={search.q} onChange={(q) => set({ q })} />
        <ManyFilter label="State" value={search.state} options={STATES} onChange={(state) => set({ state })} />
      </FilterBar>
      <Loaded query={query}>
        {({ items }) => {
          const shown = filterRules(items, search);
          if (items.length === 0) {
            return (
              <Empty title="No rule is loaded" icon="rule" command="watchkeeper check watchkeeper.yaml">
                Put Prometheus rule files into the configuration folder and reload. Check them first, without a server:
              </Empty>
            );
          }
          if (shown.length === 0)
            return (
              <Empty title="No rule matches" icon="rule">
                Take a filter away.
              </Empty>
            );
          return (
            <DataList
              label="Rules"
              items={shown}
              columns={COLUMNS}
              keyOf={(r) => r.id}
              onOpen={(r) => void navigate({ to: "/alerts", search: { q: r.name } })}
            />
          );
        }}
      </Loaded>
    </Page>
  );
}
