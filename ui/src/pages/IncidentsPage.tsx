// All incidents: open ones first. A person can declare one here.

import { Button, Group, Modal, Select, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { DEFAULT_PRIORITY, declareIncident, useAction } from "../api/actions.ts";
import { incidents, me } from "../api/queries.ts";
import type { Incident, Priority } from "../api/types.ts";
import { type Column, DataList } from "../parts/DataList.tsx";
import { Empty } from "../parts/Empty.tsx";
import { FilterBar, ManyFilter, OneFilter, optionsOf, TextFilter } from "../parts/Filters.tsx";
import { Page } from "../parts/Page.tsx";
import { Pager } from "../parts/Pager.tsx";
import { Loaded } from "../parts/Problem.tsx";
import { PriorityBadge, RestrictedBadge, StateBadge } from "../parts/StateBadge.tsx";
import { Age, When } from "../parts/When.tsx";
import { CATEGORY_WORDS, categoryWord, PRIORITY_WORDS, priorityLook, stateLook } from "../parts/words.ts";
import { FIRST_PAGE, INCIDENT_SORTS, type IncidentListSearch, type IncidentSort } from "../url/search.ts";

const route = getRouteApi("/incidents");
const STATES = optionsOf(["triggered", "acknowledged", "mitigated", "resolved", "closed"], (s) => stateLook(s).word);

const PRIORITIES = optionsOf(PRIORITY_WORDS, (p) => priorityLook(p).word);
const CATEGORIES = optionsOf(CATEGORY_WORDS, categoryWord);
const SORT_WORDS: Record<IncidentSort, string> = {
  newest: "Newest first",
  oldest: "Oldest first",
  urgency: "Most urgent first",
};

const COLUMNS: Column<Incident>[] = [
  { header: "State", badge: true, width: 140, cell: (i) => <StateBadge state={i.state} /> },
  {
    header: "Incident",
    lead: true,
    cell: (i) => (
      <Group gap={8} className="wk-wrap">
        <Link to="/incidents/$id" params={{ id: i.id }}>
          INC-{i.number} {i.title}
        </Link>
        {i.restricted && <RestrictedBadge />}
      </Group>
    ),
  },
  {
    header: "Priority",
    badge: true,
    width: 105,
    sorts: [{ by: "urgency", way: "descending" }],
    cell: (i) => <PriorityBadge priority={i.priority} />,
  },
  { header: "Category", badge: true, width: 110, cell: (i) => <Text size="sm">{categoryWord(i.category)}</Text> },
  { header: "Alerts", numeric: true, width: 80, cell: (i) => `${i.active_alerts} / ${i.alert_count}` },
  {
    header: "Began",
    width: 115,
    sorts: [
      { by: "newest", way: "descending" },
      { by: "oldest", way: "ascending" },
    ],
    cell: (i) => (
      <Text size="sm">
        <When at={i.started_at} />
      </Text>
    ),
  },
  { header: "Lasted", numeric: true, width: 95, cell: (i) => <Age since={i.started_at} until={i.resolved_at} /> },
  {
    header: "Owner",
    width: 130,
    cell: (i) => (
      <Text size="sm" c={i.owner ? undefined : "dimmed"}>
        {i.owner ?? "nobody"}
      </Text>
    ),
  },
];

export default function IncidentsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const query = useQuery(incidents(search));
  const { data: myself } = useQuery(me());
  const [declaring, { open, close }] = useDisclosure(false);
  const set = (change: IncidentListSearch) =>
    void navigate({ search: { ...search, ...change, ...FIRST_PAGE }, replace: true });
  const { cursor: _, page: __, sort, ...filters } = search;
  const filtered = Object.values(filters).some(Boolean);
  const known = query.data?.items.flatMap((i) => (i.owner ? [i.owner] : [])) ?? [];
  const owners = [...new Set([...(myself ? [myself.name] : []), ...known, ...(search.owner ? [search.owner] : [])])];
  return (
    <Page title="Incidents" lead="Open ones stand first." actions={<Button onClick={open}>Declare incident</Button>}>
      <FilterBar>
        <TextFilter label="Title or number" value={search.q} onChange={(q) => set({ q })} />
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
        <OneFilter
          label="Owner"
          value={search.owner}
          options={[
            { value: "nobody", label: "Nobody" },
            ...optionsOf(
              owners.filter((name) => name !== "nobody"),
              (name) => (name === myself?.name ? `${name} (me)` : name),
            ),
          ]}
          onChange={(owner) => set({ owner })}
        />
        <OneFilter
          label="Order"
          always
          value={sort ?? "newest"}
          options={optionsOf(INCIDENT_SORTS, (by) => SORT_WORDS[by as IncidentSort])}
          onChange={(by) => set({ sort: by === "newest" ? undefined : (by as IncidentSort | undefined) })}
        />
      </FilterBar>
      <Loaded query={query}>
        {({ items, total, next_cursor }) =>
          items.length === 0 ? (
            <Empty
              title={filtered ? "No incident matches" : "No incident so far"}
              icon="incident"
              command={'watchkeeper incident declare --priority high "Card payments fail"'}
            >
              An incident opens by itself when a critical or high alert fires. A person can declare one with the button
              above or on the command line:
            </Empty>
          ) : (
            <>
              <DataList
                label="Incidents"
                items={items}
                columns={COLUMNS}
                keyOf={(i) => i.id}
                onOpen={(i) => void navigate({ to: "/incidents/$id", params: { id: i.id } })}
                sort={sort ?? "newest"}
                onSort={(by) => set({ sort: by as IncidentSort })}
              />
              <Pager
                noun="incidents"
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
      <Modal opened={declaring} onClose={close} title="Declare an incident">
        <DeclareForm onDone={close} />
      </Modal>
    </Page>
  );
}

function DeclareForm({ onDone }: { onDone: () => void }) {
  const navigate = useNavigate();
  const [title, setTitle] = useState("");
  const [description, setDescription] = useState("");
  const [priority, setPriority] = useState<Priority>(DEFAULT_PRIORITY);
  const [category, setCategory] = useState<Incident["category"]>("application");
  const declare = useAction(declareIncident, (incident) => {
    onDone();
    void navigate({ to: "/incidents/$id", params: { id: incident.id } });
    return `Declared INC-${incident.number}`;
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        declare.mutate({
          title,
          priority,
          category,
          description: description || undefined,
          kind: category === "security" ? "security" : "operational",
          alert_ids: [],
        });
      }}
    >
      <Stack gap="sm">
        <TextInput
          label="What is wrong"
          required
          maxLength={200}
          value={title}
          onChange={(e) => setTitle(e.currentTarget.value)}
          data-autofocus
        />
        <Group grow>
          <Select
            label="Priority"
            allowDeselect={false}
            data={optionsOf(PRIORITY_WORDS, (p) => priorityLook(p).word)}
            value={priority}
            onChange={(p) => p && setPriority(p as Priority)}
          />
          <Select
            label="Category"
            allowDeselect={false}
            data={optionsOf(CATEGORY_WORDS, categoryWord)}
            value={category}
            onChange={(c) => c && setCategory(c as Incident["category"])}
          />
        </Group>
        <Textarea
          label="What is known"
          autosize
          minRows={3}
          maxLength={4_000}
          value={description}
          onChange={(e) => setDescription(e.currentTarget.value)}
        />
        {category === "security" && (
          <Text size="sm" c="dimmed">
            A security incident is restricted: only its responders see it.
          </Text>
        )}
        <Group justify="flex-end">
          <Button type="submit" loading={declare.isPending}>
            Declare
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
