// The post-mortem: figures and timeline from the record, the rest written by people, exported as Markdown.

import { Button, Card, Code, Group, SimpleGrid, Stack, Text, Textarea } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { editPostMortem, postMortemMarkdown, useAction } from "../../api/actions.ts";
import { ApiError } from "../../api/problem.ts";
import { postMortem } from "../../api/queries.ts";
import type { PostMortem } from "../../api/types.ts";
import { quantity } from "../../format/number.ts";
import { duration } from "../../format/time.ts";
import { Empty } from "../../parts/Empty.tsx";
import { Icon } from "../../parts/icons.tsx";
import { Section } from "../../parts/Page.tsx";
import { Loaded } from "../../parts/Problem.tsx";
import { StateBadge } from "../../parts/StateBadge.tsx";
import { When } from "../../parts/When.tsx";
import { ActionItems } from "./ActionItems.tsx";
import { TimelineList } from "./Timeline.tsx";

export function PostMortemTab({ id }: { id: string }) {
  const query = useQuery(postMortem(id));
  if (query.data === undefined && query.error instanceof ApiError && query.error.status === 404) {
    return (
      <Empty title="Not drafted yet" icon="waiting">
        Once the incident is resolved, its post-mortem drafts itself from the record: timeline, times, impact, what was
        tried.
      </Empty>
    );
  }
  return <Loaded query={query}>{(facts) => <Body facts={facts} />}</Loaded>;
}

function Body({ facts }: { facts: PostMortem }) {
  const id = facts.incident_id;
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <Text size="sm" c="dimmed">
          {facts.edited_by ? (
            <>
              Edited by {facts.edited_by} <When at={facts.edited_at} />.
            </>
          ) : (
            "Drafted from the record; nobody has edited it yet."
          )}
        </Text>
        <Export id={id} />
      </Group>
      <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="sm">
        <Figure name="Time to detect" value={length(facts.mttd_seconds)} />
        <Figure name="Time to acknowledge" value={length(facts.mtta_seconds)} />
        <Figure name="Time to resolve" value={length(facts.mttr_seconds)} />
        <Figure name="Failed requests" value={failed(facts.impact)} />
      </SimpleGrid>
      <Section title="Impact">
        <Text size="sm" className="wk-wrap">
          {facts.impact.summary}
        </Text>
        {facts.impact.query && (
          <Code block mt="xs" className="wk-expr">
            {facts.impact.query}
          </Code>
        )}
      </Section>
      <Written id={id} part="summary" title="Summary" text={facts.summary} hint="What happened, in a few sentences." />
      <Written
        id={id}
        part="root_cause"
        title="Root cause"
        text={facts.root_cause}
        hint="Why it could happen: conditions, not people."
      />
      <Written
        id={id}
        part="lessons"
        title="Lessons"
        text={facts.lessons}
        hint="What went well, what did not, where luck helped."
      />
      {facts.tried.length > 0 && (
        <Section title="What was tried" count={facts.tried.length}>
          <Stack gap="xs">
            {facts.tried.map((t) => (
              <Group key={t.run_id} gap="xs">
                <StateBadge state={t.state} />
                <Text size="sm" className="wk-wrap">
                  <b>{t.workflow}</b>: {t.outcome}
                </Text>
              </Group>
            ))}
          </Stack>
        </Section>
      )}
      <ActionItems id={id} items={facts.action_items} />
      <Section title="Timeline" count={facts.timeline.length}>
        <TimelineList entries={facts.timeline} />
      </Section>
    </Stack>
  );
}

const length = (seconds: number | null | undefined) => (seconds == null ? "not known" : duration(seconds * 1_000));

function failed({ failed_requests, total_requests }: PostMortem["impact"]): string {
  if (failed_requests == null) return "not known";
  return total_requests ? `${quantity(failed_requests)} of ${quantity(total_requests)}` : quantity(failed_requests);
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <Card withBorder padding="sm">
      <Text size="xs" c="dimmed">
        {name}
      </Text>
      <Text fz="lg" fw={600} className="wk-number">
        {value}
      </Text>
    </Card>
  );
}

type Part = "summary" | "root_cause" | "lessons";

function Written({
  id,
  part,
  title,
  text,
  hint,
}: {
  id: string;
  part: Part;
  title: string;
  text: string;
  hint: string;
}) {
  const [draft, setDraft] = useState<string | null>(null);
  const save = useAction(editPostMortem, () => `${title} saved`);
  return (
    <Section
      title={title}
      aside={
        draft === null && (
          <Button variant="default" onClick={() => setDraft(text)}>
            Edit
          </Button>
        )
      }
    >
      {draft === null ? (
        <Text size="sm" c={text ? undefined : "dimmed"} className="wk-wrap" style={{ whiteSpace: "pre-wrap" }}>
          {text || hint}
        </Text>
      ) : (
        <Stack gap="xs">
          <Textarea
            aria-label={title}
            description={hint}
            autosize
            minRows={4}
            value={draft}
            onChange={(e) => setDraft(e.currentTarget.value)}
            autoFocus
          />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={() => setDraft(null)}>
              Cancel
            </Button>
            <Button
              loading={save.isPending}
              onClick={() => save.mutate({ id, edit: { [part]: draft } }, { onSuccess: () => setDraft(null) })}
            >
              Save
            </Button>
          </Group>
        </Stack>
      )}
    </Section>
  );
}

function Export({ id }: { id: string }) {
  const copy = useAction(
    async (incident: string) => navigator.clipboard.writeText(await postMortemMarkdown(incident)),
    () => "The Markdown is on the clipboard",
  );
  return (
    <Group gap="xs">
      <Button
        variant="default"
        loading={copy.isPending}
        onClick={() => copy.mutate(id)}
        leftSection={<Icon name="copy" size={14} />}
      >
        Copy Markdown
      </Button>
      <Button
        variant="default"
        component="a"
        href={`/api/watchkeeper/v1/incidents/${encodeURIComponent(id)}/post-mortem.md`}
        download={`post-mortem-${id}.md`}
        leftSection={<Icon name="down" size={14} />}
      >
        Download
      </Button>
    </Group>
  );
}
