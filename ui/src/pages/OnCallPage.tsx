// On call: who answers when, what was taken over, what is left for the next one, and who is being called.

import { Button, CopyButton, Group, Modal, NativeSelect, Stack, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { useAction } from "../api/actions.ts";
import { overview } from "../api/queries.ts";
import { useUtc } from "../app/preferences.ts";
import { useNow } from "../app/useNow.ts";
import { absolute, clockDate } from "../format/time.ts";
import { Empty } from "../parts/Empty.tsx";
import { Page, Section } from "../parts/Page.tsx";
import { Loaded } from "../parts/Problem.tsx";
import { StateBadge } from "../parts/StateBadge.tsx";
import { At, When } from "../parts/When.tsx";
import {
  addNote,
  type Calendar,
  calendar,
  escalations,
  removeOverride,
  type Schemas,
  schedules,
} from "./oncall/api.ts";
import { OnCallNow } from "./oncall/OnCallNow.tsx";
import { OverrideForm } from "./oncall/OverrideForm.tsx";
import { midnight, monday, STEP, type Stretch, weeksFrom } from "./oncall/timeline.ts";
import { Weeks } from "./oncall/Weeks.tsx";

const route = getRouteApi("/on-call");
const LENGTHS = [
  { value: "1", label: "1 week" },
  { value: "2", label: "2 weeks" },
  { value: "4", label: "4 weeks" },
  { value: "8", label: "8 weeks" },
];

export default function OnCallPage() {
  const query = useQuery(schedules());
  const { data: now } = useQuery(overview());
  return (
    <Page title="On call" lead="Drag over the calendar, or click on a turn, to take a time over.">
      <Loaded query={query}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="Nobody is ever on call" icon="person" command="watchkeeper check watchkeeper.yaml">
              No schedule is configured. Write people, schedules and escalation policies into the configuration; the
              guide's page on call shows a whole one.
            </Empty>
          ) : (
            <Stack gap="md">
              <OnCallNow answers={now?.on_call ?? []} />
              <Chosen items={items} />
              <Called />
            </Stack>
          )
        }
      </Loaded>
    </Page>
  );
}

function Chosen({ items }: { items: Schemas["OnCallSchedule"][] }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const utc = useUtc();
  const now = useNow();
  const schedule = items.find((one) => one.name === search.schedule) ?? (items[0] as Schemas["OnCallSchedule"]);
  const start = monday(search.week ? Date.parse(search.week) : now, utc);
  const count = Number(search.weeks ?? "2");
  const weeks = weeksFrom(start, count, utc);
  const query = useQuery(calendar(schedule.name, start, midnight(start, 7 * count, utc)));
  const [chosen, setChosen] = useState<{ time: Stretch; insteadOf?: string } | null>(null);
  const go = (by: number) =>
    void navigate({ search: { ...search, week: clockDate(midnight(start, 7 * by, utc), utc) }, replace: true });
  // From the next half hour for four hours: most who take over do so at once.
  const soon = { from: Math.ceil(now / STEP) * STEP, until: Math.ceil(now / STEP) * STEP + 8 * STEP };
  const close = () => {
    setChosen(null);
    if (search.new) void navigate({ search: { ...search, new: undefined }, replace: true });
  };
  const picked = chosen ?? (search.new === "1" ? { time: soon } : null);
  return (
    <>
      <Group gap="xs" align="flex-end">
        <NativeSelect
          label="Schedule"
          data={items.map((one) => one.name)}
          value={schedule.name}
          onChange={(e) => void navigate({ search: { ...search, schedule: e.currentTarget.value } })}
        />
        <NativeSelect
          label="Show"
          data={LENGTHS}
          value={String(count)}
          onChange={(e) => void navigate({ search: { ...search, weeks: e.currentTarget.value }, replace: true })}
        />
        <Button variant="default" onClick={() => go(-1)} aria-label="One week back">
          ‹
        </Button>
        <Button
          variant="default"
          onClick={() => void navigate({ search: { ...search, week: undefined }, replace: true })}
        >
          Today
        </Button>
        <Button variant="default" onClick={() => go(1)} aria-label="One week ahead">
          ›
        </Button>
        <Button onClick={() => setChosen({ time: soon })}>Take over…</Button>
        <CopyButton value={schedule.calendar_url}>
          {({ copied, copy }) => (
            <Button variant="default" onClick={copy}>
              {copied ? "Copied" : "Copy the calendar's address"}
            </Button>
          )}
        </CopyButton>
      </Group>
      <Loaded query={query}>
        {(found) => (
          <>
            <Section title={schedule.name}>
              <Weeks
                calendar={found}
                weeks={weeks}
                onPick={(time, shift) => setChosen({ time, insteadOf: shift?.person })}
              />
            </Section>
            <Overrides found={found} />
            <Notes found={found} />
          </>
        )}
      </Loaded>
      <Modal opened={picked !== null} onClose={close} title={`Take over ${schedule.name}`} size="lg">
        {picked && (
          <OverrideForm
            key={picked.time.from}
            schedule={schedule.name}
            time={picked.time}
            insteadOf={picked.insteadOf}
            onDone={close}
          />
        )}
      </Modal>
    </>
  );
}

function Overrides({ found }: { found: Calendar }) {
  const utc = useUtc();
  const remove = useAction(removeOverride, (was) => `${was.person} does not take over any more`);
  const now = useNow();
  if (found.overrides.length === 0) return null;
  return (
    <Section title="Taken over" count={found.overrides.length}>
      <Stack gap="xs">
        {found.overrides.map((one) => (
          <Group key={one.id} justify="space-between" gap="xs">
            <Text size="sm" className="wk-wrap">
              <b>{one.person}</b>
              {one.instead_of && ` instead of ${one.instead_of}`}, {absolute(Date.parse(one.from), utc)} to{" "}
              {absolute(Date.parse(one.until), utc)}
              {one.reason && `: ${one.reason}`}
              <Text span inherit c="dimmed">
                {" "}
                · by {one.created_by}
              </Text>
            </Text>
            {Date.parse(one.until) > now && (
              <Button
                variant="default"
                loading={remove.isPending && remove.variables === one.id}
                onClick={() => remove.mutate(one.id)}
              >
                Give back
              </Button>
            )}
          </Group>
        ))}
      </Stack>
    </Section>
  );
}

function Notes({ found }: { found: Calendar }) {
  const [text, setText] = useState("");
  const add = useAction(addNote, () => "Noted for whoever takes over next");
  return (
    <Section title="Hand-off notes" count={found.notes.length}>
      <Stack gap="xs">
        {found.notes.map((note) => (
          <Text key={note.id} size="sm" className="wk-wrap">
            <Text span inherit c="dimmed">
              <At at={note.at} /> {note.author}:
            </Text>{" "}
            {note.text}
          </Text>
        ))}
        <form
          onSubmit={(event) => {
            event.preventDefault();
            add.mutate({ name: found.schedule.name, text: text.trim() }, { onSuccess: () => setText("") });
          }}
        >
          <Group gap="xs" align="flex-end">
            <TextInput
              label="What the next one should know"
              className="wk-grow"
              maxLength={4_000}
              value={text}
              onChange={(e) => setText(e.currentTarget.value)}
            />
            <Button type="submit" loading={add.isPending} disabled={!text.trim()}>
              Leave a note
            </Button>
          </Group>
        </form>
      </Stack>
    </Section>
  );
}

function Called() {
  const { data } = useQuery(escalations());
  if (!data || data.items.length === 0) return null;
  return (
    <Section title="Being called" count={data.items.length}>
      <Stack gap="md">
        {data.items.map((it) => (
          <div key={it.id}>
            <Group gap="xs">
              <StateBadge state={it.phase} />
              <Text size="sm" fw={600} className="wk-wrap">
                {it.title}
              </Text>
              <Text size="sm" c="dimmed">
                {it.policy}, step {it.step} of {it.steps}
                {it.round > 1 && `, round ${it.round}`}
                {it.acknowledged_by && `, ${it.acknowledged_by} has it`}
                {it.due_at && (
                  <>
                    , next step <When at={it.due_at} />
                  </>
                )}
              </Text>
            </Group>
            {it.calls.map((call) => (
              <Text key={`${call.due_at} ${call.person ?? call.receiver} ${call.via}`} size="sm" className="wk-wrap">
                <At at={call.due_at} relativeToo={false} /> {call.person ?? call.receiver}
                {call.via && ` over ${call.via}`}: {call.state}
                <Text span inherit c="dimmed">
                  {" "}
                  ({call.why}){call.detail && `, ${call.detail}`}
                </Text>
              </Text>
            ))}
          </div>
        ))}
      </Stack>
    </Section>
  );
}
