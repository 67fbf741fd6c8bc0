// Rules as they run: state, when last evaluated, at what cost, when due next, and why one is unknown.

import { Anchor, Badge, Button, Checkbox, Text } from "@mantine/core";
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
import { Pager } from "../parts/Pager.tsx";
import { Loaded } from "../parts/Problem.tsx";
import { PriorityBadge, StateBadge } from "../parts/StateBadge.tsx";
import { When } from "../parts/When.tsx";
import { CATEGORY_WORDS, categoryWord, PRIORITY_WORDS, priorityLook, stateLook } from "../parts/words.ts";
import { FIRST_PAGE, type RuleSearch } from "../url/search.ts";

const route = getRouteApi("/rules");
const STATES = optionsOf(["firing", "pending", "unknown", "ok"], (s) => stateLook(s).word);
const PRIORITIES = optionsOf(PRIORITY_WORDS, (p) => priorityLook(p).word);
const CATEGORIES = optionsOf(CATEGORY_WORDS, categoryWord);

/** The parts of a rule's address. */
const pathOf = (r: Rule) => {
  const [group = "", ...name] = r.id.split("/");
  return { group, name: name.join("/") };
};

const COLUMNS: Column<Rule>[] = [
  { header: "State", badge: true, width: 115, cell: (r) => <StateBadge state={r.state} reason={r.unknown_reason} /> },
  {
    header: "Rule",
    lead: true,
    cell: (r) => (
      <div className="wk-wrap">
        <Anchor component={Link} to="/rules/view/$group/$name" params={pathOf(r) as never} inherit fw={700}>
          {r.name}
        </Anchor>
        <Text size="xs" c="dimmed" component="div">
          {r.group} · {categoryWord(r.category)}
          {r.hold_for && ` · for ${r.hold_for}`} ·{" "}
          <Link to="/rules/backtest" search={{ rule: r.id }}>
            backtest
          </Link>
          {r.runbook_url && (
            <>
              {" "}
              · <SafeLink href={r.runbook_url}>runbook</SafeLink>
            </>
          )}
        </Text>
        {r.unknown_reason && r.never.length === 0 && (
          <Text size="sm" c="violet">
            {r.unknown_reason}
          </Text>
        )}
        {r.never.map((m) => (
          <Text key={m.selector} size="sm" c="orange">
            Can never fire: {m.reason}
          </Text>
        ))}
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
  const query = useQuery(rules(search));
  const set = (change: RuleSearch) => void navigate({ search: { ...search, ...change, ...FIRST_PAGE }, replace: true });
  const { cursor: _, page: __, ...filters } = search;
  const filtered = Object.values(filters).some(Boolean);
  return (
    <Page
      title="Rules"
      actions={
        <Button variant="default" renderRoot={(props) => <Link to="/rules/groups" {...props} />}>
          Rule groups
        </Button>
      }
      lead="A rule is evaluated when a sample that it depends on arrives, and when it is due at the latest. What needs somebody stands first."
    >
      <FilterBar>
        <TextFilter label="Name, group or expression" value={search.q} onChange={(q) => set({ q })} />
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
        <Checkbox
          label="Can never fire"
          checked={search.never === "1"}
          onChange={(e) => set({ never: e.currentTarget.checked ? "1" : undefined })}
        />
      </FilterBar>
      <Loaded query={query}>
        {({ items, total, next_cursor }) => {
          if (items.length === 0 && filtered)
            return (
              <Empty title="No rule matches" icon="rule">
                Take a filter away.
              </Empty>
            );
          if (items.length === 0) {
            return (
              <Empty title="No rule is loaded" icon="rule" command="watchkeeper check watchkeeper.yaml">
                Put Prometheus rule files into the configuration folder and reload. Check them first, without a server:
              </Empty>
            );
          }
          return (
            <>
              <DataList
                label="Rules"
                items={items}
                columns={COLUMNS}
                keyOf={(r) => r.id}
                onOpen={(r) => void navigate({ to: "/rules/view/$group/$name", params: pathOf(r) })}
              />
              <Pager
                noun="rules"
                search={search}
                shown={items.length}
                total={total}
                next={next_cursor}
                onGo={(page, state) => void navigate({ search: { ...search, ...page }, state })}
              />
            </>
          );
        }}
      </Loaded>
    </Page>
  );
}
