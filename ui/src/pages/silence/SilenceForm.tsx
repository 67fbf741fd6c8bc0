// The form of a new silence. Its start values may come from the address, so that a message can link to it.

import { Button, Group, SegmentedControl, Stack, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { createSilence, useAction } from "../../api/actions.ts";
import { matcherLines } from "./matchers.ts";

const DURATIONS = ["1h", "4h", "12h", "1d", "7d"];

export function SilenceForm({ matchers, onDone }: { matchers: string; onDone: () => void }) {
  const [lines, setLines] = useState(matchers);
  const [duration, setDuration] = useState("1h");
  const [comment, setComment] = useState("");
  const create = useAction(createSilence, () => "Silenced");
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        create.mutate({ matchers: matcherLines(lines), duration, comment }, { onSuccess: onDone });
      }}
    >
      <Stack gap="sm">
        <Textarea
          label="Matchers"
          description={'One per line, all must match: service="payments", severity=~"warn.*", env!="test"'}
          required
          autosize
          minRows={3}
          styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
          value={lines}
          onChange={(e) => setLines(e.currentTarget.value)}
          data-autofocus
        />
        <SegmentedControl
          aria-label="For how long"
          data={DURATIONS}
          value={duration}
          onChange={setDuration}
          size="xs"
        />
        <TextInput
          label="Why"
          required
          maxLength={400}
          value={comment}
          onChange={(e) => setComment(e.currentTarget.value)}
        />
        <Group justify="flex-end">
          <Button
            type="submit"
            loading={create.isPending}
            disabled={matcherLines(lines).length === 0 || !comment.trim()}
          >
            Silence
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
