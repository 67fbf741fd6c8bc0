// A rule group that is written here: its text in an editor, the chart of the rule under the cursor beside it, its versions.

import { Alert, Anchor, Badge, Button, Grid, Group, Stack, Table, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useAction } from "../api/actions.ts";
import {
  deleteRuleGroup,
  putRuleGroup,
  rollBackRuleGroup,
  ruleGroup,
  ruleGroupVersions,
  switchRuleGroup,
} from "../api/rules.ts";
import type { RuleGroup, RuleGroupChecked, RuleGroupVersion } from "../api/types.ts";
import { RuleGroupEditor } from "../editor/LazyEditor.tsx";
import { plural } from "../format/number.ts";
import { More } from "../parts/More.tsx";
import { Page, Section } from "../parts/Page.tsx";
import { Loaded } from "../parts/Problem.tsx";
import { When } from "../parts/When.tsx";
import { actorWord } from "../parts/words.ts";
import { RulePreview } from "./rule/RulePreview.tsx";
import { STARTER } from "./rule/starter.ts";

const route = getRouteApi("/rules/groups/$name");

const above = (
  <Anchor component={Link} to="/rules/groups" inherit>
    Rule groups
  </Anchor>
);

export default function RuleGroupPage() {
  const { name } = route.useParams();
  const query = useQuery(ruleGroup(name));
  const versions = useQuery(ruleGroupVersions(name));
  const g = query.data;
  return (
    <Page
      title={name}
      above={above}
      badges={
        g && (
          <Badge color={g.enabled ? "teal" : "gray"} variant="light" size="lg">
            {g.enabled ? "evaluated" : "not evaluated"}
          </Badge>
        )
      }
      lead={g && `Version ${g.version}, ${plural(g.rules, "rule")}`}
    >
      <Loaded query={query}>
        {(found) => (
          <Writing key={found.version} source={found.source ?? ""} version={found.version ?? 0} group={found} />
        )}
      </Loaded>
      <Loaded query={versions}>{({ items }) => <Versions name={name} versions={items} />}</Loaded>
    </Page>
  );
}

/** A group that does not exist yet. */
export function NewRuleGroupPage() {
  return (
    <Page
      title="New rule group"
      above={above}
      lead="A Prometheus rule group, checked as a file would be. It is evaluated as soon as it is saved."
    >
      <Writing source={STARTER} version={0} />
    </Page>
  );
}

function Writing({ source, version, group }: { source: string; version: number; group?: RuleGroup }) {
  const navigate = useNavigate();
  const [text, setText] = useState(source);
  const [reason, setReason] = useState("");
  const [line, setLine] = useState(1);
  const [checked, setChecked] = useState<RuleGroupChecked>({ problems: [], rules: [] });
  // While somebody types, the text is often broken: the chart stays with the rules that were last read.
  const hear = (next: RuleGroupChecked) =>
    setChecked((last) => (next.rules.length > 0 ? next : { ...next, rules: last.rules }));
  const [rested] = useDebouncedValue(line, 200);
  const save = useAction(putRuleGroup, (saved) => {
    void navigate({ to: "/rules/groups/$name", params: { name: saved.name } });
    return `${saved.name} is evaluated as version ${saved.version}`;
  });
  const switched = useAction(switchRuleGroup, (now) => `${now.name} is ${now.enabled ? "" : "no longer "}evaluated`);
  const removed = useAction(deleteRuleGroup, () => {
    void navigate({ to: "/rules/groups" });
    return "Deleted; its versions stay";
  });
  const rule = checked.rules.findLast((r) => r.line <= rested) ?? checked.rules[0];
  const errors = checked.problems.filter((p) => p.severity !== "warning");
  const name = group?.name ?? checked.name ?? "";
  const ready = reason.trim() !== "" && errors.length === 0 && name !== "";
  return (
    <Grid gap="md">
      <Grid.Col span={{ base: 12, lg: 7 }}>
        <Section title="Text" aside={<Found checked={checked} />}>
          <Stack gap="sm">
            <RuleGroupEditor value={text} onChange={setText} onLine={setLine} onChecked={hear} />
            <Group align="flex-end" gap="xs">
              <TextInput
                label="Why"
                placeholder="It is kept with the version"
                value={reason}
                onChange={(e) => setReason(e.currentTarget.value)}
                maxLength={500}
                style={{ flex: 1, minWidth: 200 }}
              />
              <Button
                disabled={!ready || text === source}
                loading={save.isPending}
                onClick={() => save.mutate({ name, source: text, reason, version })}
              >
                Save
              </Button>
              {group && (
                <>
                  <Button
                    variant="default"
                    disabled={reason.trim() === ""}
                    onClick={() => switched.mutate({ name, on: !group.enabled, reason })}
                  >
                    {group.enabled ? "Disable" : "Enable"}
                  </Button>
                  <Button
                    variant="light"
                    color="red"
                    disabled={reason.trim() === ""}
                    onClick={() => removed.mutate({ name, reason })}
                  >
                    Delete
                  </Button>
                </>
              )}
            </Group>
          </Stack>
        </Section>
      </Grid.Col>
      <Grid.Col span={{ base: 12, lg: 5 }}>
        <Stack gap="md">
          <Section title={rule ? `Preview: ${rule.name}` : "Preview"}>
            {rule ? (
              <RulePreview expr={rule.expr} holdFor={rule.hold_for} />
            ) : (
              <Text size="sm" c="dimmed">
                The chart of the rule under the cursor stands here as soon as the text can be read.
              </Text>
            )}
          </Section>
        </Stack>
      </Grid.Col>
      {errors.length > 0 && (
        <Grid.Col span={12}>
          <Alert color="red" variant="light" title={`${plural(errors.length, "problem")} in the text`}>
            {errors.slice(0, 8).map((p) => (
              <Text key={`${p.line}:${p.column}:${p.message}`} size="sm" className="wk-wrap">
                {p.line > 0 && `Line ${p.line}, column ${p.column}: `}
                {p.message}
                {p.help && `; ${p.help}`}
              </Text>
            ))}
          </Alert>
        </Grid.Col>
      )}
    </Grid>
  );
}

function Found({ checked }: { checked: RuleGroupChecked }) {
  const errors = checked.problems.filter((p) => p.severity !== "warning").length;
  if (errors > 0) return <Badge color="red">{plural(errors, "problem")}</Badge>;
  return (
    <Text size="xs" c="dimmed">
      {plural(checked.rules.length, "rule")}
    </Text>
  );
}

function Versions({ name, versions }: { name: string; versions: RuleGroupVersion[] }) {
  const [reason, setReason] = useState("");
  const back = useAction(rollBackRuleGroup, (now) => `${now.name} has its former text as version ${now.version}`);
  return (
    <Section
      title="Versions"
      count={versions.length}
      aside={
        <TextInput
          size="xs"
          aria-label="Why roll back"
          placeholder="Why roll back"
          value={reason}
          onChange={(e) => setReason(e.currentTarget.value)}
        />
      }
    >
      <Table.ScrollContainer minWidth={560} type="native" tabIndex={0}>
        <Table>
          <Table.Tbody>
            {versions.map((v, place) => (
              <Table.Tr key={v.version}>
                <Table.Td className="wk-number" w={50}>
                  {v.version}
                </Table.Td>
                <Table.Td w={110}>{v.change.replace("_", " ")}</Table.Td>
                <Table.Td>
                  <Text size="sm" className="wk-wrap">
                    <When at={v.at} /> by {actorWord(v.by)} · {v.reason}
                  </Text>
                  {v.source && (
                    <More label="Text">
                      <pre className="wk-wrap">{v.source}</pre>
                    </More>
                  )}
                </Table.Td>
                <Table.Td w={120}>
                  {place > 0 && v.change !== "deleted" && (
                    <Button
                      variant="default"
                      size="xs"
                      disabled={reason.trim() === ""}
                      onClick={() => back.mutate({ name, version: v.version, reason })}
                    >
                      Roll back
                    </Button>
                  )}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Section>
  );
}
