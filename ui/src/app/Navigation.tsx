// The list of pages, with the numbers of what needs somebody.

import { AppShell, Badge, Divider, NavLink, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useRouterState } from "@tanstack/react-router";
import { me, overview } from "../api/queries.ts";
import { Icon, type IconName } from "../parts/icons.tsx";

type Entry = { to: string; word: string; icon: IconName; under?: string };

const WATCH: Entry[] = [
  { to: "/", word: "Now", icon: "now" },
  { to: "/incidents", word: "Incidents", icon: "incident" },
  { to: "/alerts", word: "Alerts", icon: "bell" },
  { to: "/silences", word: "Silences", icon: "mute" },
  { to: "/on-call", word: "On call", icon: "person" },
];
const MACHINERY: Entry[] = [
  { to: "/rules", word: "Rules", icon: "rule" },
  { to: "/probes", word: "Probes", icon: "probe" },
  { to: "/targets", word: "Targets", icon: "target" },
  { to: "/heartbeats", word: "Heartbeats", icon: "running" },
  { to: "/changes", word: "Changes", icon: "next" },
  { to: "/workflows", word: "Workflows", icon: "flow", under: "/runs" },
  { to: "/deliveries", word: "Deliveries", icon: "send" },
  { to: "/routing", word: "Routing", icon: "next" },
  { to: "/self-watch", word: "Self-watch", icon: "eye" },
  { to: "/ledger", word: "Ledger", icon: "chain" },
  { to: "/telemetry/metrics", word: "Telemetry", icon: "chart", under: "/telemetry" },
];

export function Navigation() {
  const path = useRouterState({ select: (state) => state.location.pathname });
  const { data: now } = useQuery(overview());
  const { data: person } = useQuery(me());
  const counts: Record<string, number> = {
    "/incidents": now?.incidents.length ?? 0,
    "/alerts": now ? now.counts.critical + now.counts.high + now.counts.medium + now.counts.low : 0,
    "/rules": now?.unknown_rules.length ?? 0,
    "/probes": now ? now.probes.down + now.probes.unknown : 0,
    "/deliveries": now?.failing_receivers.length ?? 0,
  };
  const link = ({ to, word, icon, under }: Entry) => {
    const active = to === "/" ? path === "/" : path.startsWith(to) || (under !== undefined && path.startsWith(under));
    const count = counts[to] ?? 0;
    return (
      <NavLink
        key={to}
        component={Link}
        to={to}
        label={word}
        active={active}
        aria-current={active ? "page" : undefined}
        leftSection={<Icon name={icon} />}
        rightSection={
          count > 0 && (
            <Badge
              size="sm"
              variant="light"
              color={to === "/rules" ? "violet" : "red"}
              aria-label={`${count} need attention`}
            >
              {count}
            </Badge>
          )
        }
      />
    );
  };
  return (
    <>
      <AppShell.Section grow component="nav" aria-label="Pages">
        <Stack gap={2}>
          {WATCH.map(link)}
          <Divider my={6} />
          {MACHINERY.map(link)}
          {person?.demo && (
            <>
              <Divider my={6} />
              {link({ to: "/demo", word: "Demo", icon: "demo" })}
            </>
          )}
        </Stack>
      </AppShell.Section>
      {person && (
        <AppShell.Section px="xs" py={4}>
          <Text size="xs" c="dimmed" className="wk-wrap">
            <Link to="/settings" style={{ color: "inherit" }}>
              {person.name} · {person.role}
            </Link>
            <br />
            Watchkeeper {person.version}
          </Text>
        </AppShell.Section>
      )}
    </>
  );
}
