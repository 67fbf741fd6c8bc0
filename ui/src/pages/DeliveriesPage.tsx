// Receivers, and everything that was sent to them.

import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { testReceiver, useAction } from "../api/actions.ts";
import { notifications, receivers } from "../api/queries.ts";
import type { Receiver } from "../api/types.ts";
import { type Column, DataList } from "../parts/DataList.tsx";
import { Empty } from "../parts/Empty.tsx";
import { FilterBar, ManyFilter, OneFilter, optionsOf, TextFilter } from "../parts/Filters.tsx";
import { Icon } from "../parts/icons.tsx";
import { Page, Section } from "../parts/Page.tsx";
import { Pager } from "../parts/Pager.tsx";
import { Loaded } from "../parts/Problem.tsx";
import { StateBadge } from "../parts/StateBadge.tsx";
import { When } from "../parts/When.tsx";
import { stateLook } from "../parts/words.ts";
import { type DeliverySearch, FIRST_PAGE } from "../url/search.ts";
import { DeliveryTable } from "./delivery/DeliveryTable.tsx";
import { MessagePreview } from "./delivery/MessagePreview.tsx";

const route = getRouteApi("/deliveries");
const STATES = optionsOf(
  ["pending", "sending", "retrying", "delivered", "failed", "uncertain", "suppressed"],
  (s) => stateLook(s).word,
);

export default function DeliveriesPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const set = (change: DeliverySearch) =>
    void navigate({ search: { ...search, ...change, ...FIRST_PAGE }, replace: true });
  const known = useQuery(receivers());
  const sent = useQuery(notifications(search));
  const channels = [...new Set(known.data?.items.flatMap((r) => r.channels.map((c) => c.kind)) ?? [])].toSorted();
  return (
    <Page title="Receivers and deliveries" lead="Whom Watchkeeper tells, and whether it reached them.">
      <Section title="Receivers" count={known.data?.items.length}>
        <Loaded query={known}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title="There is nobody to tell" icon="send" command="watchkeeper check --schema">
                Alerts fire, but no receiver is configured. Add one (Slack, e-mail, SMS, webhook) to the configuration;
                its schema says what a receiver may hold:
              </Empty>
            ) : (
              <Receivers items={items} />
            )
          }
        </Loaded>
      </Section>
      <Section title="Deliveries">
        <FilterBar>
          <OneFilter
            label="Receiver"
            value={search.receiver}
            options={optionsOf(known.data?.items.map((r) => r.name) ?? [], (name) => name)}
            onChange={(receiver) => set({ receiver })}
          />
          <OneFilter
            label="Channel"
            value={search.channel}
            options={optionsOf(channels, (kind) => kind)}
            onChange={(channel) => set({ channel })}
          />
          <TextFilter label="Text of the message" value={search.q} onChange={(q) => set({ q })} />
          <ManyFilter label="State" value={search.state} options={STATES} onChange={(state) => set({ state })} />
        </FilterBar>
        <div style={{ marginTop: 12 }}>
          <Loaded query={sent}>
            {({ items, total, next_cursor }) => (
              <Stack gap="sm">
                <DeliveryTable items={items} />
                <Pager
                  noun="deliveries"
                  search={search}
                  shown={items.length}
                  total={total}
                  next={next_cursor}
                  onGo={(page, state) => void navigate({ search: { ...search, ...page }, state })}
                />
              </Stack>
            )}
          </Loaded>
        </div>
      </Section>
    </Page>
  );
}

function Receivers({ items }: { items: Receiver[] }) {
  const [previewed, setPreviewed] = useState<string>();
  const test = useAction(testReceiver, () => "The test is on its way: its receipt appears under Deliveries.");
  const columns: Column<Receiver>[] = [
    {
      header: "Health",
      badge: true,
      width: 120,
      cell: (r) => <StateBadge state={r.health === "ok" ? "ok" : r.health} reason={r.last_error} />,
    },
    {
      header: "Receiver",
      lead: true,
      cell: (r) => (
        <Text size="sm" fw={600}>
          {r.name}
        </Text>
      ),
    },
    {
      header: "Channels",
      wide: true,
      cell: (r) => (
        <div className="wk-wrap">
          {r.channels.map((c) => (
            <Text key={`${c.kind}-${c.target}`} size="sm">
              <Text span inherit c="dimmed">
                {c.kind}
              </Text>{" "}
              {c.target}
              {c.failing_since && (
                <Text span inherit c="red">
                  {" "}
                  failing <When at={c.failing_since} />
                </Text>
              )}
            </Text>
          ))}
        </div>
      ),
    },
    {
      header: "Last reached",
      width: 120,
      cell: (r) => (
        <Text size="sm">
          <When at={r.last_delivered_at} />
        </Text>
      ),
    },
    {
      header: "Last failed",
      width: 120,
      cell: (r) => (
        <Text size="sm">
          <When at={r.last_failed_at} />
        </Text>
      ),
    },
    { header: "Queued", numeric: true, width: 80, cell: (r) => r.queued },
    {
      header: "Try it",
      width: 225,
      cell: (r) => (
        <Group gap={6} wrap="nowrap">
          <Button
            variant="default"
            leftSection={<Icon name="send" size={14} />}
            loading={test.isPending && test.variables === r.name}
            onClick={() => test.mutate(r.name)}
            aria-label={`Send a test to ${r.name}`}
          >
            Test
          </Button>
          <Button
            variant="default"
            leftSection={<Icon name="eye" size={14} />}
            onClick={() => setPreviewed(r.name)}
            aria-label={`Preview a message to ${r.name}`}
          >
            Preview
          </Button>
        </Group>
      ),
    },
  ];
  return (
    <>
      <DataList label="Receivers" items={items} columns={columns} keyOf={(r) => r.name} />
      <Modal
        opened={previewed !== undefined}
        onClose={() => setPreviewed(undefined)}
        title={`What ${previewed} would be told`}
        size="xl"
      >
        {previewed !== undefined && <MessagePreview receiver={previewed} />}
      </Modal>
    </>
  );
}
