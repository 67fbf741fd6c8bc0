// The form by which somebody takes a time over. Its start values come from the calendar.

import { Button, Group, NativeSelect, Stack, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useAction } from "../../api/actions.ts";
import { useUtc } from "../../app/preferences.ts";
import { createOverride, people } from "./api.ts";
import { fromField, type Stretch, toField } from "./timeline.ts";

type Props = { schedule: string; time: Stretch; insteadOf?: string; onDone: () => void };

export function OverrideForm({ schedule, time, insteadOf, onDone }: Props) {
  const utc = useUtc();
  const { data } = useQuery(people());
  const names = (data?.items ?? []).filter((one) => one.contact_methods.length > 0).map((one) => one.name);
  const [person, setPerson] = useState("");
  const [replaced, setReplaced] = useState(insteadOf ?? "");
  const [from, setFrom] = useState(toField(time.from, utc));
  const [until, setUntil] = useState(toField(time.until, utc));
  const [reason, setReason] = useState("");
  const [begins, ends] = [fromField(from, utc), fromField(until, utc)];
  const backwards = begins !== null && ends !== null && begins >= ends;
  const create = useAction(createOverride, (made) => `${made.person} takes over ${made.schedule}`);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (begins === null || ends === null) return;
        const body = {
          schedule,
          person,
          instead_of: replaced || undefined,
          from: new Date(begins).toISOString(),
          until: new Date(ends).toISOString(),
          reason: reason.trim() || undefined,
        };
        create.mutate(body, { onSuccess: onDone });
      }}
    >
      <Stack gap="sm">
        <NativeSelect
          label="Who takes over"
          required
          data={[{ value: "", label: "Choose a person" }, ...names]}
          value={person}
          onChange={(e) => setPerson(e.currentTarget.value)}
          data-autofocus
        />
        <Group grow align="flex-start">
          <TextInput
            type="datetime-local"
            label="From"
            required
            value={from}
            onChange={(e) => setFrom(e.currentTarget.value)}
          />
          <TextInput
            type="datetime-local"
            label="Until"
            required
            error={backwards ? "It ends before it begins" : undefined}
            value={until}
            onChange={(e) => setUntil(e.currentTarget.value)}
          />
        </Group>
        <Text size="xs" c="dimmed">
          Times are in {utc ? "UTC" : "your zone"}.
        </Text>
        <NativeSelect
          label="Only where this person would be on call"
          data={[{ value: "", label: "Whoever it would be, and gaps too" }, ...names]}
          value={replaced}
          onChange={(e) => setReplaced(e.currentTarget.value)}
        />
        <TextInput label="Why" maxLength={500} value={reason} onChange={(e) => setReason(e.currentTarget.value)} />
        <Group justify="flex-end">
          <Button
            type="submit"
            loading={create.isPending}
            disabled={!person || begins === null || ends === null || backwards}
          >
            Take over
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
