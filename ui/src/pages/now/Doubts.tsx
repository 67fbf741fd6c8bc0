// What is in doubt: rules that could not be evaluated, receivers not reached, probes down or not run, stale telemetry.

import { List, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Overview } from "../../api/types.ts";
import { plural } from "../../format/number.ts";
import { Icon } from "../../parts/icons.tsx";
import { Section } from "../../parts/Page.tsx";
import { When } from "../../parts/When.tsx";
import { isStale } from "./verdict.ts";

/** More than this would bury the rest of the page; the list's own page has them all. */
const SHOWN = 8;

export function Doubts({ now }: { now: Overview }) {
  const rest = now.unknown_rules.length - SHOWN;
  return (
    <Section title="In doubt">
      <List spacing="xs" size="sm" listStyleType="none" className="wk-row">
        {now.unknown_rules.slice(0, SHOWN).map((rule) => (
          <Doubt key={rule.id} icon="unknown" color="violet">
            <Link to="/rules" search={{ q: rule.name }}>
              {rule.name}
            </Link>{" "}
            could not be evaluated:{" "}
            <Text span inherit c="dimmed">
              {rule.unknown_reason ?? "no reason was given"}
            </Text>
          </Doubt>
        ))}
        {rest > 0 && (
          <Doubt icon="unknown" color="violet">
            <Link to="/rules" search={{ state: "unknown" }}>
              and {plural(rest, "more rule")}
            </Link>
          </Doubt>
        )}
        {now.failing_receivers.map((receiver) => (
          <Doubt key={receiver.name} icon="failed" color="red">
            <Link to="/deliveries" search={{ receiver: receiver.name }}>
              {receiver.name}
            </Link>{" "}
            may not be reached since <When at={receiver.last_failed_at} />:{" "}
            <Text span inherit c="dimmed">
              {receiver.last_error ?? "no reason was given"}
            </Text>
          </Doubt>
        ))}
        {now.probes.down > 0 && (
          <Doubt icon="failed" color="red">
            <Link to="/probes">{plural(now.probes.down, "probe")}</Link> {now.probes.down === 1 ? "is" : "are"} down
          </Doubt>
        )}
        {isStale(now) && (
          <Doubt icon="unknown" color="violet">
            The last telemetry came <When at={now.last_telemetry_at} />: what happened since is not known
          </Doubt>
        )}
        {now.probes.unknown > 0 && (
          <Doubt icon="unknown" color="violet">
            <Link to="/probes">{plural(now.probes.unknown, "probe")}</Link> did not run
          </Doubt>
        )}
      </List>
    </Section>
  );
}

function Doubt({ icon, color, children }: { icon: "unknown" | "failed"; color: string; children: ReactNode }) {
  return (
    <List.Item
      icon={
        <span style={{ color: `var(--mantine-color-${color}-text)` }}>
          <Icon name={icon} />
        </span>
      }
    >
      <span className="wk-wrap">{children}</span>
    </List.Item>
  );
}
