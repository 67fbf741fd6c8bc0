// The ledger: what happened, by whom, to what; and whether its chain of hashes holds.

import { Alert, Button, Code, Group, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { ledger, ledgerVerification } from "../api/queries.ts";
import type { LedgerEntry, LedgerVerification } from "../api/types.ts";
import { count, plural } from "../format/number.ts";
import { type Column, DataList } from "../parts/DataList.tsx";
import { Copy, Empty } from "../parts/Empty.tsx";
import { FilterBar, ManyFilter, OneFilter, optionsOf, TextFilter } from "../parts/Filters.tsx";
import { Icon } from "../parts/icons.tsx";
import { MoreJson } from "../parts/More.tsx";
import { Page } from "../parts/Page.tsx";
import { Pager } from "../parts/Pager.tsx";
import { Loaded, ProblemNotice } from "../parts/Problem.tsx";
import { At } from "../parts/When.tsx";
import { actorWord } from "../parts/words.ts";
import { objectPath } from "../url/safeLink.ts";
import { FIRST_PAGE, type LedgerSearch, RANGES } from "../url/search.ts";

const route = getRouteApi("/ledger");
/** The nouns that things happen to. */
const NOUNS: Record<string, string> = {
  alert: "Alerts",
  incident: "Incidents",
  notification: "Notifications",
  silence: "Silences",
  workflow: "Workflows",
  run: "Runs",
  rule: "Rules",
  review: "Post-mortems",
  status: "Status page",
  config: "Configuration",
  escalation: "Escalations",
  page: "Calls not made",
  receiver: "Receivers",
  drill: "Fire drills",
  watchman: "Watchman",
};

const COLUMNS: Column<LedgerEntry>[] = [
  { header: "No.", numeric: true, width: 80, badge: true, cell: (e) => <Text size="sm">{count(e.seq)}</Text> },
  {
    header: "What",
    lead: true,
    cell: (e) => (
      <div className="wk-wrap">
        <Text size="sm" fw={600}>
          {e.kind}
        </Text>
        <Text size="xs" c="dimmed" component="div">
          <Objects entry={e} />
        </Text>
      </div>
    ),
  },
  {
    header: "Who",
    width: 170,
    cell: (e) => (
      <Link to="/ledger" search={{ actor: e.actor }}>
        {actorWord(e.actor)}
      </Link>
    ),
  },
  {
    header: "When",
    width: 190,
    cell: (e) => (
      <Text size="sm">
        <At at={e.at} />
      </Text>
    ),
  },
  {
    header: "Particulars",
    wide: true,
    cell: (e) => <MoreJson label={`hash ${e.hash.slice(0, 12)}…`} value={e.data} />,
  },
];

/** What an entry is about and links, each a way to its page, or to all entries about it. */
function Objects({ entry }: { entry: LedgerEntry }) {
  return [entry.subject, ...entry.links].map((id, at) => (
    <span key={id}>
      {at > 0 && " · "}
      {objectPath(id) ? <Link to={objectPath(id) as string}>{id}</Link> : id}{" "}
      <Link to="/ledger" search={{ subject: id }} aria-label={`All entries about ${id}`}>
        <Icon name="search" size={11} />
      </Link>
    </span>
  ));
}

export default function LedgerPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const query = useQuery(ledger(search));
  const set = (change: LedgerSearch) =>
    void navigate({ search: { ...search, ...change, ...FIRST_PAGE }, replace: true });
  return (
    <Page title="Ledger" lead="What happened, written with what made it true. Each entry's hash covers the one before.">
      <Chain />
      <FilterBar>
        <TextFilter label="Object, for example alr_…" value={search.subject} onChange={(subject) => set({ subject })} />
        <ManyFilter
          label="What"
          value={search.kind}
          options={optionsOf(
            [...new Set([...Object.keys(NOUNS), ...(search.kind?.split(",") ?? [])])],
            (noun) => NOUNS[noun] ?? noun,
          )}
          onChange={(kind) => set({ kind })}
        />
        <TextFilter
          label="Who, for example user:ana"
          value={search.actor}
          onChange={(actor) => set({ actor })}
          primary={false}
        />
        <OneFilter
          label="When"
          value={search.range}
          options={optionsOf(Object.keys(RANGES), (range) => `the last ${range}`)}
          onChange={(range) => set({ range })}
        />
      </FilterBar>
      <Loaded query={query}>
        {({ items, next_cursor }) =>
          items.length === 0 ? (
            <Empty title="No entry matches" icon="chain" command="watchkeeper ledger show --limit 50">
              Take a filter away, or look on the command line:
            </Empty>
          ) : (
            <>
              <DataList label="Entries" items={items} columns={COLUMNS} keyOf={(e) => String(e.seq)} />
              <Pager
                noun="entries"
                search={search}
                shown={items.length}
                next={next_cursor}
                onGo={(page, state) => void navigate({ search: { ...search, ...page }, state })}
              />
            </>
          )
        }
      </Loaded>
    </Page>
  );
}

/** Whether the chain holds, asked for by a button: it reads every entry there is. */
function Chain() {
  const query = useQuery(ledgerVerification());
  return (
    <Stack gap="xs">
      <Group gap="sm">
        <Button
          variant="default"
          loading={query.isFetching}
          onClick={() => void query.refetch()}
          leftSection={<Icon name="chain" size={14} />}
        >
          Verify the chain
        </Button>
        {!query.data && !query.isError && (
          <Text size="sm" c="dimmed">
            Not verified on this page yet.
          </Text>
        )}
      </Group>
      {query.isError && <ProblemNotice error={query.error} />}
      {query.data && <Verdict verdict={query.data} />}
    </Stack>
  );
}

function Verdict({ verdict }: { verdict: LedgerVerification }) {
  const { intact, entries, first_broken_seq, reason, head_hash } = verdict;
  return (
    <Alert
      color={intact ? "teal" : "red"}
      variant="light"
      icon={<Icon name={intact ? "ok" : "failed"} />}
      title={
        intact ? `The chain of ${plural(entries, "entry", "entries")} is intact` : `Broken at entry ${first_broken_seq}`
      }
      role="status"
    >
      <Stack gap={6}>
        {!intact && (
          <Text size="sm">
            {reason}. {plural(entries, "entry", "entries")} before it are intact.
          </Text>
        )}
        {head_hash && (
          <Group gap="xs">
            <Text size="sm">Keep the last hash elsewhere to prove later that nothing was cut off:</Text>
            <Code className="wk-wrap">{head_hash}</Code>
            <Copy text={head_hash} />
          </Group>
        )}
      </Stack>
    </Alert>
  );
}
