// What is to be done after an incident, by whom and by when.

import { Button, Checkbox, Group, Stack, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { saveActionItem, useAction } from "../../api/actions.ts";
import type { ActionItem } from "../../api/types.ts";
import { Section } from "../../parts/Page.tsx";

export function ActionItems({ id, items }: { id: string; items: ActionItem[] }) {
  const save = useAction(saveActionItem, (item) => (item.state === "done" ? "Done" : "Saved"));
  const [title, setTitle] = useState("");
  const [owner, setOwner] = useState("");
  const [due, setDue] = useState("");
  const clear = () => {
    setTitle("");
    setOwner("");
    setDue("");
  };
  return (
    <Section title="Action items" count={items.length}>
      <Stack gap="xs">
        {items.length === 0 && (
          <Text size="sm" c="dimmed">
            What would keep this from happening again, or make it shorter? Give it an owner and a day.
          </Text>
        )}
        {items.map((item) => (
          <Group key={item.id} justify="space-between" wrap="nowrap" align="flex-start">
            <Checkbox
              checked={item.state === "done"}
              onChange={(e) => save.mutate({ id, item: { ...item, state: e.currentTarget.checked ? "done" : "open" } })}
              label={
                <span
                  className="wk-wrap"
                  style={item.state === "done" ? { textDecoration: "line-through" } : undefined}
                >
                  {item.title}
                </span>
              }
            />
            <Text size="sm" c="dimmed" className="wk-number">
              {item.owner ?? "nobody"} · {item.due ?? "no day"}
            </Text>
          </Group>
        ))}
        <form
          onSubmit={(event) => {
            event.preventDefault();
            save.mutate(
              { id, item: { title: title.trim(), owner: owner.trim() || undefined, due: due || undefined } },
              { onSuccess: clear },
            );
          }}
        >
          <Group align="flex-end" gap="xs">
            <TextInput
              label="What"
              required
              value={title}
              onChange={(e) => setTitle(e.currentTarget.value)}
              maxLength={400}
              style={{ flex: "3 1 14rem" }}
            />
            <TextInput
              label="Owner"
              value={owner}
              onChange={(e) => setOwner(e.currentTarget.value)}
              maxLength={120}
              style={{ flex: "1 1 8rem" }}
            />
            <TextInput
              label="Due"
              type="date"
              value={due}
              onChange={(e) => setDue(e.currentTarget.value)}
              style={{ flex: "1 1 8rem" }}
            />
            <Button type="submit" size="sm" loading={save.isPending} disabled={!title.trim()}>
              Add
            </Button>
          </Group>
        </form>
      </Stack>
    </Section>
  );
}
