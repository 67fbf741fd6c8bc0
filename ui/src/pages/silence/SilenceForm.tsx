// The form of a new silence: what, until when, why, and what that would hold back. Its start values may come from the
// address, so that a message can link to it.

import { Button, Group, Input, MultiSelect, SegmentedControl, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useMemo, useState } from "react";
import { createSilence, useAction } from "../../api/actions.ts";
import { useUtc } from "../../app/preferences.ts";
import { absolute } from "../../format/time.ts";
import { matcherLines } from "./matchers.ts";
import { Preview } from "./Preview.tsx";
import { DAYS, recurrenceOf } from "./recurrence.ts";
import { CHOICES, type Choice, endOf, fieldValue, LONGEST_MS, LONGEST_RECURRING_MS, nextMonday } from "./until.ts";

export function SilenceForm({ matchers, onDone }: { matchers: string; onDone: () => void }) {
  const utc = useUtc();
  const [lines, setLines] = useState(matchers);
  const [choice, setChoice] = useState<Choice>("1h");
  const [custom, setCustom] = useState(() => fieldValue(nextMonday(Date.now(), utc), utc));
  const [comment, setComment] = useState("");
  const [ticket, setTicket] = useState("");
  const [owner, setOwner] = useState("");
  const [days, setDays] = useState<string[]>([]);
  const [times, setTimes] = useState("");
  const create = useAction(createSilence, (s) => `Silenced until ${absolute(Date.parse(s.ends_at), utc)}`);
  const wanted = useMemo(() => matcherLines(lines), [lines]);
  const [settled] = useDebouncedValue(wanted, 300);
  const longest = recurrenceOf(days, times, utc) ? LONGEST_RECURRING_MS : LONGEST_MS;
  // Looked at when the form is drawn: typing draws it anew, and the end is taken once more when it is sent.
  const end = endOf(choice, custom, Date.now(), utc, longest);
  const submit = () => {
    const at = endOf(choice, custom, Date.now(), utc, longest);
    if (at === null) return;
    const duration = `${Math.max(1, Math.round((at - Date.now()) / 1_000))}s`;
    const recurrence = recurrenceOf(days, times, utc);
    create.mutate(
      {
        matchers: wanted,
        duration,
        comment,
        ticket: ticket.trim() || undefined,
        owner: owner.trim() || undefined,
        recurrence,
      },
      { onSuccess: onDone },
    );
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <Stack gap="sm">
        <Textarea
          label="Matchers"
          description={'One per line, all must match: service="payments", severity=~"warn.*", env!="test"'}
          required
          autosize
          minRows={3}
          maxRows={12}
          styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
          value={lines}
          onChange={(e) => setLines(e.currentTarget.value)}
          data-autofocus
        />
        <Input.Wrapper label="For how long" description={end === null ? undefined : `until ${absolute(end, utc)}`}>
          <SegmentedControl
            mt={4}
            fullWidth
            aria-label="For how long"
            data={Object.entries(CHOICES).map(([value, label]) => ({ value, label }))}
            value={choice}
            onChange={(value) => setChoice(value as Choice)}
            size="xs"
          />
        </Input.Wrapper>
        {choice === "custom" && (
          <TextInput
            type="datetime-local"
            label={utc ? "Until (UTC)" : "Until"}
            value={custom}
            onChange={(e) => setCustom(e.currentTarget.value)}
            error={end === null ? "Choose a moment from now on, within 90 days (366 when it recurs)." : undefined}
          />
        )}
        <Group grow align="flex-start">
          <MultiSelect
            label="Only on"
            description="Again and again until its end; empty: every day"
            data={DAYS}
            value={days}
            onChange={setDays}
            clearable
          />
          <TextInput
            label="Only at"
            description={`Parts of a day${utc ? " (UTC)" : ""}: 22:00-24:00, 00:00-06:00`}
            value={times}
            onChange={(e) => setTimes(e.currentTarget.value)}
          />
        </Group>
        <Group grow align="flex-start">
          <TextInput
            label="Why"
            required
            maxLength={400}
            value={comment}
            onChange={(e) => setComment(e.currentTarget.value)}
          />
          <TextInput
            label="Ticket"
            placeholder="where the work is tracked"
            maxLength={400}
            value={ticket}
            onChange={(e) => setTicket(e.currentTarget.value)}
          />
          <TextInput
            label="Owner"
            placeholder="whom to ask about it"
            maxLength={400}
            value={owner}
            onChange={(e) => setOwner(e.currentTarget.value)}
          />
        </Group>
        <Preview matchers={settled} />
        <Group justify="flex-end">
          {wanted.length === 0 && (
            <Text size="sm" c="dimmed">
              Write a matcher first.
            </Text>
          )}
          <Button type="submit" loading={create.isPending} disabled={wanted.length === 0 || !comment.trim() || !end}>
            Silence
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
