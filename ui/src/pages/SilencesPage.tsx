// Silences: what is held back, until when, by whom and why.

import { Button, Modal, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { expireSilence, useAction } from "../api/actions.ts";
import { silences } from "../api/queries.ts";
import type { Silence } from "../api/types.ts";
import { plural } from "../format/number.ts";
import { type Column, DataList } from "../parts/DataList.tsx";
import { Empty } from "../parts/Empty.tsx";
import { FilterBar, ManyFilter, OneFilter, optionsOf, TextFilter } from "../parts/Filters.tsx";
import { SafeLink } from "../parts/Labels.tsx";
import { Page } from "../parts/Page.tsx";
import { Pager } from "../parts/Pager.tsx";
import { Loaded } from "../parts/Problem.tsx";
import { StateBadge } from "../parts/StateBadge.tsx";
import { When } from "../parts/When.tsx";
import { stateLook } from "../parts/words.ts";
import { FIRST_PAGE, type SilenceSearch } from "../url/search.ts";
import { recurs } from "./silence/recurrence.ts";
import { SilenceForm } from "./silence/SilenceForm.tsx";

const route = getRouteApi("/silences");
const RECURRING = [
  { value: "true", label: "recurring" },
  { value: "false", label: "once" },
];
const STATES = optionsOf(["active", "pending", "expired"], (s) => stateLook(s).word);

export default function SilencesPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const query = useQuery(silences(search));
  const set = (change: SilenceSearch) =>
    void navigate({ search: { ...search, ...change, ...FIRST_PAGE }, replace: true });
  const close = () => void navigate({ search: { ...search, new: undefined, matchers: undefined } });
  return (
    <Page
      title="Silences"
      lead="A silence holds notifications back; the alert itself stays visible."
      actions={<Button onClick={() => void navigate({ search: { ...search, new: "1" } })}>New silence</Button>}
    >
      <FilterBar>
        <ManyFilter label="State" value={search.state} options={STATES} onChange={(state) => set({ state })} />
        <TextFilter label="Text, owner or ticket" value={search.q} onChange={(q) => set({ q })} />
        <OneFilter
          label="Recurring or not"
          value={search.recurring}
          options={RECURRING}
          onChange={(word) => set({ recurring: word as SilenceSearch["recurring"] })}
        />
      </FilterBar>
      <Loaded query={query}>
        {({ items, next_cursor }) =>
          items.length === 0 ? (
            <Empty
              title="Nothing is silenced"
              icon="mute"
              command={`watchkeeper silence add service=payments --duration 1h --comment deploy`}
            >
              Silence what you are working on, from an alert's page, with the key s, or on the command line:
            </Empty>
          ) : (
            <>
              <Silences items={items} />
              <Pager
                noun="silences"
                search={search}
                shown={items.length}
                next={next_cursor}
                onGo={(page, state) => void navigate({ search: { ...search, ...page }, state })}
              />
            </>
          )
        }
      </Loaded>
      <Modal opened={search.new === "1"} onClose={close} title="New silence" size="lg">
        <SilenceForm matchers={search.matchers ?? ""} onDone={close} />
      </Modal>
    </Page>
  );
}

function Silences({ items }: { items: Silence[] }) {
  const expire = useAction(expireSilence, () => "The silence has ended");
  const columns: Column<Silence>[] = [
    { header: "State", badge: true, width: 110, cell: (s) => <StateBadge state={s.state} /> },
    {
      header: "Matches",
      lead: true,
      cell: (s) => (
        <div className="wk-wrap">
          {s.matchers.map((matcher) => (
            <Text key={matcher} size="sm" ff="monospace" className="wk-wrap">
              {matcher}
            </Text>
          ))}
          <Text size="xs" c="dimmed" component="div">
            holds back {plural(s.matching_alerts, "alert")}
            {s.recurrence && ` · only ${recurs(s.recurrence)}`}
            {s.next_change_at && (
              <>
                , next change <When at={s.next_change_at} />
              </>
            )}
            {s.owner && ` · ask ${s.owner}`}
            {s.ticket && (
              <>
                {" "}
                · <SafeLink href={s.ticket} />
              </>
            )}
          </Text>
        </div>
      ),
    },
    {
      header: "Why",
      wide: true,
      cell: (s) => (
        <Text size="sm" className="wk-wrap">
          {s.comment}
        </Text>
      ),
    },
    { header: "By", width: 130, cell: (s) => <Text size="sm">{s.created_by}</Text> },
    {
      header: "Starts",
      width: 115,
      cell: (s) => (
        <Text size="sm">
          <When at={s.starts_at} />
        </Text>
      ),
    },
    {
      header: "Ends",
      width: 115,
      cell: (s) => (
        <Text size="sm">
          <When at={s.ends_at} />
        </Text>
      ),
    },
    {
      header: "End it",
      width: 90,
      cell: (s) =>
        s.state === "expired" ? null : (
          <Button
            variant="default"
            loading={expire.isPending && expire.variables === s.id}
            onClick={() => expire.mutate(s.id)}
          >
            End
          </Button>
        ),
    },
  ];
  return <DataList label="Silences" items={items} columns={columns} keyOf={(s) => s.id} />;
}
