// The route tree, and which way an alert would go: what is tried, where it stops, and what would keep it quiet.

import { Alert, Badge, Button, Group, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { routing, whichWay } from "../api/queries.ts";
import type { RouteAnswer, RouteNode } from "../api/types.ts";
import { Icon } from "../parts/icons.tsx";
import { Page, Section } from "../parts/Page.tsx";
import { Loaded } from "../parts/Problem.tsx";
import { At } from "../parts/When.tsx";
import { labelsOf } from "./routing/labels.ts";

const route = getRouteApi("/routing");

export default function RoutingPage() {
  const { labels, at } = route.useSearch();
  const tree = useQuery(routing());
  const wanted = labelsOf(labels ?? "");
  const asked = Object.keys(wanted).length > 0;
  const answer = useQuery({ ...whichWay(wanted, at), enabled: asked });
  return (
    <Page title="Routing" lead="Who is told of which alert. The first route that matches wins, unless it goes on.">
      <Question key={`${labels}-${at}`} labels={labels ?? ""} at={at ?? ""} />
      {asked && <Loaded query={answer}>{(found) => <Answer answer={found} />}</Loaded>}
      <Section title="Route tree" count={tree.data?.routes.length}>
        <Loaded query={tree}>
          {({ routes }) => <Tree routes={routes} answer={asked ? answer.data : undefined} />}
        </Loaded>
      </Section>
    </Page>
  );
}

/** The question stands in the address, so that the answer can be pasted into a chat. */
function Question({ labels, at }: { labels: string; at: string }) {
  const navigate = route.useNavigate();
  const [text, setText] = useState(labels);
  const [moment, setMoment] = useState(at);
  const wanted = labelsOf(text);
  return (
    <Section title="Which way would this alert go?">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void navigate({ search: { labels: text || undefined, at: moment || undefined } });
        }}
      >
        <Stack gap="sm">
          <Textarea
            label="Labels"
            description="One per line: severity=critical, service=payments, priority=high"
            autosize
            minRows={3}
            maxRows={12}
            styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
            value={text}
            onChange={(e) => setText(e.currentTarget.value)}
          />
          <Group align="flex-end" gap="sm">
            <TextInput
              label="When"
              placeholder="now, or 2026-12-24T20:00:00Z"
              value={moment}
              onChange={(e) => setMoment(e.currentTarget.value)}
              w={260}
            />
            <Button type="submit" disabled={Object.keys(wanted).length === 0}>
              Show the way
            </Button>
          </Group>
        </Stack>
      </form>
    </Section>
  );
}

function Answer({ answer }: { answer: RouteAnswer }) {
  const held = answer.inhibited_by != null || answer.silences.length > 0;
  return (
    <Section title="The way">
      <Stack gap="sm">
        <Alert
          color={held ? "orange" : "teal"}
          variant="light"
          icon={<Icon name={held ? "mute" : "send"} />}
          title={answer.verdict}
          role="status"
        >
          <Text size="sm">
            At <At at={answer.at} />
            {answer.inhibited_by?.startsWith("alr_") && (
              <>
                {" · "}
                <Link to="/alerts/$id" params={{ id: answer.inhibited_by }}>
                  the alert that inhibits it
                </Link>
              </>
            )}
            {answer.silences.length > 0 && (
              <>
                {" · "}
                <Link to="/silences">the silences</Link>
              </>
            )}
          </Text>
        </Alert>
        {answer.stops.map((stop) => (
          <section key={stop.path} aria-label={`Receiver ${stop.receiver}`}>
            <Text size="sm" fw={600}>
              {stop.receiver}{" "}
              <Text span inherit fw={400} c="dimmed">
                {stop.channels.join(", ") || "no channel: nobody is told"}
                {stop.waits && ` · waits ${stop.waits} for others of its group`}
              </Text>
            </Text>
            {stop.quiet_by.length > 0 && (
              <Text size="sm" c="orange">
                Not told at that time ({stop.quiet_by.join(", ")}
                {stop.quiet_until && (
                  <>
                    , until <At at={stop.quiet_until} />
                  </>
                )}
                )
              </Text>
            )}
            {stop.steps.map((step) => (
              <div key={step.after} style={{ paddingLeft: 16 }}>
                {step.calls.map((call) => (
                  <Text key={call.name} size="sm" className="wk-wrap">
                    {step.after === "0s" ? "at once" : `after ${step.after}`}: <b>{call.name}</b> ({call.why}){" "}
                    <Text span inherit c="dimmed">
                      {call.ways.length > 0
                        ? call.ways.join(", ")
                        : `their own rules have nothing for the priority ${call.priority}`}
                    </Text>
                  </Text>
                ))}
                {step.missed.map((missed) => (
                  <Text key={missed} size="sm" c="orange" className="wk-wrap">
                    {missed}
                  </Text>
                ))}
              </div>
            ))}
          </section>
        ))}
      </Stack>
    </Section>
  );
}

/** The tree; where an alert went, each route says by icon and word whether it matched. */
function Tree({ routes, answer }: { routes: RouteNode[]; answer: RouteAnswer | undefined }) {
  const tried = new Map(answer?.tried.map((t) => [t.path, t.matched]));
  const stops = new Set(answer?.stops.map((s) => s.path));
  return (
    <ol className="wk-tree" aria-label="Route tree">
      {routes.map((node) => {
        const matched = tried.get(node.path);
        const stop = stops.has(node.path);
        return (
          <li key={node.path} style={{ paddingLeft: 20 * node.depth, listStyle: "none" }} data-stop={stop || undefined}>
            <Group gap={8} wrap="nowrap" align="flex-start" py={4}>
              {answer && (
                <Badge
                  variant={stop ? "filled" : "light"}
                  color={stop ? "teal" : matched ? "blue" : "gray"}
                  leftSection={<Icon name={stop ? "send" : matched ? "ok" : "dash"} size={12} />}
                  miw={120}
                >
                  {stop ? "stops here" : matched ? "matches" : matched === false ? "no match" : "not tried"}
                </Badge>
              )}
              <div className="wk-wrap">
                <Text size="sm" ff="monospace" className="wk-wrap">
                  {node.matchers.join(" ") || "everything"}
                </Text>
                <Text size="xs" c="dimmed">
                  to {node.receiver} · grouped by {node.group_by.join(", ") || "nothing: one group"}
                  {node.goes_on && " · goes on to the next"}
                  {node.mute_time_intervals.length > 0 && ` · not during ${node.mute_time_intervals.join(", ")}`}
                  {node.active_time_intervals.length > 0 && ` · only during ${node.active_time_intervals.join(", ")}`}
                </Text>
              </div>
            </Group>
          </li>
        );
      })}
    </ol>
  );
}
