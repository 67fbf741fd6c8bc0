// One rule: its state and why, what it compares as a chart, its instances, and what became of it lately.

import { Alert, Anchor, Badge, Button, Code, Table, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { rule, ruleHistory } from "../api/rules.ts";
import type { Rule, RuleHistory } from "../api/types.ts";
import { micros, plural, quantity } from "../format/number.ts";
import { Labels, SafeLink } from "../parts/Labels.tsx";
import { Facts, Page, Section } from "../parts/Page.tsx";
import { Loaded } from "../parts/Problem.tsx";
import { PriorityBadge, StateBadge } from "../parts/StateBadge.tsx";
import { At, When } from "../parts/When.tsx";
import { categoryWord } from "../parts/words.ts";
import { RulePreview } from "./rule/RulePreview.tsx";

const route = getRouteApi("/rules/view/$group/$name");

export default function RulePage() {
  const { group, name } = route.useParams();
  const query = useQuery(rule(group, name));
  const history = useQuery(ruleHistory(group, name));
  const r = query.data;
  return (
    <Page
      title={r?.name ?? name}
      above={
        <Anchor component={Link} to="/rules" inherit>
          Rules
        </Anchor>
      }
      badges={
        r && (
          <>
            <StateBadge state={r.state} reason={r.unknown_reason} size="lg" />
            {r.recording ? <Badge variant="light">recording</Badge> : <PriorityBadge priority={r.priority} />}
          </>
        )
      }
      actions={
        r?.origin === "stored" && (
          <Button
            variant="default"
            renderRoot={(props) => <Link to="/rules/groups/$name" params={{ name: r.group }} {...props} />}
          >
            Edit
          </Button>
        )
      }
      lead={r?.summary}
    >
      <Loaded query={query}>{(found) => <Body rule={found} />}</Loaded>
      <Loaded query={history}>{(found) => <Past history={found} />}</Loaded>
    </Page>
  );
}

function Body({ rule: r }: { rule: Rule }) {
  return (
    <>
      {r.never.length > 0 && (
        <Alert color="yellow" variant="light" title="This rule can never fire as things are">
          {r.never.map((m) => (
            <Text key={m.selector} size="sm" className="wk-wrap">
              <Code>{m.selector}</Code>: {m.reason}
            </Text>
          ))}
        </Alert>
      )}
      {r.unknown_reason && (
        <Alert color="violet" variant="light" title="Nobody can tell whether it holds">
          {r.unknown_reason}
        </Alert>
      )}
      <Section title="What it says">
        <Code block style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
          {r.expr}
        </Code>
        <Facts
          items={[
            ["Group", r.group],
            ["Category", categoryWord(r.category)],
            ["Held for", r.hold_for ?? "at once"],
            ["Goes on for", r.keep_firing_for ?? "no longer than the condition"],
            ["From", r.origin === "stored" ? "the console or the API" : `${r.file}:${r.line}`],
            [
              "Runbook",
              r.runbook_url ? (
                <SafeLink key="r" href={r.runbook_url}>
                  {r.runbook_url}
                </SafeLink>
              ) : (
                "none"
              ),
            ],
          ]}
        />
        {r.origin === "file" && (
          <Text size="xs" c="dimmed" mt="xs">
            A rule of a file is changed in its file; the server reads it anew on reload.
          </Text>
        )}
      </Section>
      <Section title="Evaluation">
        <Facts
          items={[
            ["Last", <When key="l" at={r.last_evaluated_at} />],
            ["Due", <When key="d" at={r.next_due_at} missing="on arrival" />],
            ["Cost", micros(r.last_duration_us)],
            ["Series seen", String(r.series)],
            ["Evaluations", String(r.evaluations)],
            ["Failed", String(r.failures)],
            ["In this state since", <At key="s" at={r.since} />],
          ]}
        />
      </Section>
      {!r.recording && (
        <Section title="What it compares">
          <RulePreview expr={r.expr} holdFor={r.hold_for} />
        </Section>
      )}
      <Section title="Active" count={r.instances.length}>
        {r.instances.length === 0 ? (
          <Text size="sm" c="dimmed">
            Nothing is pending or firing.
          </Text>
        ) : (
          <Table.ScrollContainer minWidth={480} type="native" tabIndex={0}>
            <Table>
              <Table.Tbody>
                {r.instances.map((i) => (
                  <Table.Tr key={JSON.stringify(i.labels)}>
                    <Table.Td w={110}>
                      <StateBadge state={i.state} />
                    </Table.Td>
                    <Table.Td>
                      {i.alert_id ? (
                        <Anchor component={Link} to="/alerts/$id" params={{ id: i.alert_id } as never} inherit>
                          <Labels labels={i.labels} />
                        </Anchor>
                      ) : (
                        <Labels labels={i.labels} />
                      )}
                    </Table.Td>
                    <Table.Td className="wk-number">{i.value == null ? "" : quantity(i.value)}</Table.Td>
                    <Table.Td>
                      <When at={i.since} />
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
      </Section>
    </>
  );
}

function Past({ history }: { history: RuleHistory }) {
  return (
    <>
      <Section title="What became of it" count={history.transitions.length}>
        {history.transitions.length === 0 ? (
          <Text size="sm" c="dimmed">
            Its condition has not held so far.
          </Text>
        ) : (
          <Table.ScrollContainer minWidth={560} type="native" tabIndex={0}>
            <Table>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>When</Table.Th>
                  <Table.Th>State</Table.Th>
                  <Table.Th>Why</Table.Th>
                  <Table.Th>Labels</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {history.transitions.map((t) => (
                  <Table.Tr key={t.seq}>
                    <Table.Td>
                      <At at={t.at} />
                    </Table.Td>
                    <Table.Td>
                      <StateBadge state={t.state} />
                    </Table.Td>
                    <Table.Td className="wk-wrap">
                      {t.reason}
                      {t.value == null ? "" : ` (${quantity(t.value)})`}
                    </Table.Td>
                    <Table.Td>
                      <Labels labels={t.labels} />
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
      </Section>
      <Section title="Last evaluations" count={history.evaluations.length}>
        <Table.ScrollContainer minWidth={420} type="native" tabIndex={0}>
          <Table>
            <Table.Tbody>
              {history.evaluations.map((e) => (
                <Table.Tr key={e.at}>
                  <Table.Td>
                    <At at={e.at} />
                  </Table.Td>
                  <Table.Td>
                    <StateBadge state={e.state} />
                  </Table.Td>
                  <Table.Td className="wk-number">{micros(e.duration_us)}</Table.Td>
                  <Table.Td className="wk-number">{plural(e.series, "series", "series")}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      </Section>
    </>
  );
}
