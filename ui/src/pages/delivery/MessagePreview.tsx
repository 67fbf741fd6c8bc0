// What a receiver would be told of a past alert, with templates that are tried here. Nothing is sent.

import { Alert, Button, Code, Group, Select, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { previewMessage } from "../../api/actions.ts";
import { alerts } from "../../api/queries.ts";
import type { MessagePreview as Made } from "../../api/types.ts";
import { Icon } from "../../parts/icons.tsx";
import { Loaded, ProblemNotice } from "../../parts/Problem.tsx";

export function MessagePreview({ receiver }: { receiver: string }) {
  const past = useQuery(alerts({ state: "firing,unknown,resolved", sort: "newest" }));
  return (
    <Loaded query={past} lines={3}>
      {({ items }) =>
        items.length === 0 ? (
          <Text size="sm">There is no alert yet to preview a message of.</Text>
        ) : (
          <Form receiver={receiver} past={items.map((a) => ({ value: a.id, label: `${a.name}: ${a.title}` }))} />
        )
      }
    </Loaded>
  );
}

function Form({ receiver, past }: { receiver: string; past: { value: string; label: string }[] }) {
  const [alert, setAlert] = useState(past[0]?.value ?? "");
  const [title, setTitle] = useState("");
  const [subject, setSubject] = useState("");
  const [body, setBody] = useState("");
  const make = useMutation({ mutationFn: previewMessage });
  // Without templates of one's own, the receiver's are shown at work.
  const own = title.trim() !== "" || subject.trim() !== "" || body.trim() !== "";
  const templates = own
    ? { title: title || undefined, subject: subject || undefined, body: body || undefined }
    : undefined;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        make.mutate({ name: receiver, alert_id: alert, templates });
      }}
    >
      <Stack gap="sm">
        <Select
          label="Past alert"
          data={past}
          value={alert}
          onChange={(id) => setAlert(id ?? "")}
          searchable
          allowDeselect={false}
        />
        <Text size="sm" c="dimmed">
          Empty fields: the receiver's own templates, or the built-in text.
        </Text>
        <Group grow align="flex-start">
          <TextInput
            label="Title"
            placeholder="{{ alert.name }} in {{ place }}"
            value={title}
            onChange={(e) => setTitle(e.currentTarget.value)}
          />
          <TextInput
            label="Subject of e-mails"
            placeholder="[{{ status }}] {{ alert.name }}"
            value={subject}
            onChange={(e) => setSubject(e.currentTarget.value)}
          />
        </Group>
        <Textarea
          label="Body"
          placeholder="{{ alert.annotations.summary | default('no summary') }}"
          autosize
          minRows={3}
          maxRows={12}
          styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
          value={body}
          onChange={(e) => setBody(e.currentTarget.value)}
        />
        <Group justify="flex-end">
          <Button type="submit" loading={make.isPending} leftSection={<Icon name="eye" size={14} />}>
            Preview
          </Button>
        </Group>
        {make.isError && <ProblemNotice error={make.error} />}
        {make.data && <Result made={make.data} />}
      </Stack>
    </form>
  );
}

function Result({ made }: { made: Made }) {
  return (
    <Stack gap="sm" aria-live="polite">
      {made.errors.map((error) => (
        <Alert key={error} color="orange" variant="light" icon={<Icon name="failed" />} title="A template fails">
          {error}. The built-in text stands in its place.
        </Alert>
      ))}
      {made.channels.length === 0 && <Text size="sm">The receiver has no channel of its own.</Text>}
      {made.channels.map(({ channel, body, error }) => (
        <section key={channel} aria-label={channel}>
          <Text size="sm" fw={600}>
            {channel}
          </Text>
          <Code block className="wk-wrap" style={{ maxHeight: 320, overflow: "auto", whiteSpace: "pre-wrap" }}>
            {body ?? error}
          </Code>
        </section>
      ))}
    </Stack>
  );
}
