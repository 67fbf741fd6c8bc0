// Who answers now, by schedule: on the first page, and at the head of the on-call page.

import { Anchor, Group, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { Icon } from "../../parts/icons.tsx";
import { Section } from "../../parts/Page.tsx";
import { When } from "../../parts/When.tsx";
import type { Answer } from "./api.ts";

export function OnCallNow({ answers }: { answers: Answer[] }) {
  if (answers.length === 0) return null;
  return (
    <Section title="On call now">
      <Group gap="lg">
        {answers.map((answer) => (
          <Group key={answer.schedule} gap={6} wrap="nowrap" className="wk-wrap">
            <Icon name={answer.now ? "person" : answer.gaps_intended ? "dash" : "incident"} />
            <Text size="sm" className="wk-wrap">
              <Anchor
                component={Link}
                to="/on-call"
                search={{ schedule: answer.schedule } as never}
                underline="always"
                inherit
              >
                {answer.schedule}
              </Anchor>
              {": "}
              {answer.now ? <b>{answer.now.person}</b> : <b>nobody</b>}
              {answer.now && (
                <Text span inherit c="dimmed">
                  {" "}
                  · ends <When at={answer.now.until} />
                </Text>
              )}
              {answer.next && (
                <Text span inherit c="dimmed">
                  , then {answer.next.person}
                </Text>
              )}
            </Text>
          </Group>
        ))}
      </Group>
    </Section>
  );
}
