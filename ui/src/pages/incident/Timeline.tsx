// What happened, newest first, growing live; a note can be added.

import { Button, Card, Group, Stack, Text, Textarea } from "@mantine/core";
import { useState } from "react";
import { addNote, useAction } from "../../api/actions.ts";
import type { TimelineEntry } from "../../api/types.ts";
import { Flow } from "../../parts/Flow.tsx";
import { At } from "../../parts/When.tsx";
import { actorWord, entryLook } from "../../parts/words.ts";

export function Timeline({ id, entries }: { id: string; entries: TimelineEntry[] }) {
  return (
    <Card withBorder padding="md">
      <Stack gap="md">
        <NoteForm id={id} />
        <div aria-live="polite" aria-relevant="additions">
          <TimelineList entries={entries.toReversed()} />
        </div>
      </Stack>
    </Card>
  );
}

export function TimelineList({ entries }: { entries: TimelineEntry[] }) {
  return (
    <Flow
      label="Timeline"
      items={entries.map((entry) => ({
        key: entry.id,
        look: entryLook(entry.kind),
        head: (
          <Text size="sm" component="div" className="wk-wrap" style={{ whiteSpace: "pre-wrap" }}>
            {entry.text}
          </Text>
        ),
        aside: <At at={entry.at} />,
        body: (
          <Text size="xs" c="dimmed">
            {actorWord(entry.actor)} · {entry.kind.replaceAll("_", " ")}
          </Text>
        ),
      }))}
    />
  );
}

function NoteForm({ id }: { id: string }) {
  const [text, setText] = useState("");
  const add = useAction(addNote, () => "Noted");
  const send = () => {
    if (text.trim()) add.mutate({ id, text: text.trim() }, { onSuccess: () => setText("") });
  };
  return (
    <Group align="flex-end" gap="xs">
      <Textarea
        aria-label="A note for the timeline"
        placeholder="What did you see or do? (Ctrl Enter to add)"
        autosize
        minRows={1}
        maxLength={4_000}
        value={text}
        onChange={(e) => setText(e.currentTarget.value)}
        onKeyDown={(e) => {
          if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) send();
        }}
        style={{ flex: 1 }}
      />
      <Button size="sm" onClick={send} loading={add.isPending} disabled={!text.trim()}>
        Add note
      </Button>
    </Group>
  );
}
