// What a silence would hold back, before it does.

import { Group, Paper, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { silencePreview } from "../../api/queries.ts";
import { count, plural } from "../../format/number.ts";
import { Loaded } from "../../parts/Problem.tsx";
import { PriorityBadge } from "../../parts/StateBadge.tsx";
import { Age } from "../../parts/When.tsx";

/** How many of the alerts are named. */
const NAMED = 6;

export function Preview({ matchers }: { matchers: string[] }) {
  const query = useQuery(silencePreview(matchers));
  if (matchers.length === 0) return null;
  return (
    <Paper withBorder p="sm" component="section" aria-label="What it would hold back">
      <Loaded query={query} lines={2}>
        {({ total, silenced, last_day, alerts }) => (
          <Stack gap={6}>
            <Text size="sm" fw={600}>
              {total === 0 ? "It would hold back nothing now." : `It would hold back ${plural(total, "alert")} now.`}
            </Text>
            {alerts.slice(0, NAMED).map((alert) => (
              <Group key={alert.id} gap={8} wrap="nowrap" align="flex-start">
                <PriorityBadge priority={alert.priority} size="xs" />
                <Text size="sm" className="wk-wrap" flex={1}>
                  {alert.title}
                </Text>
                <Text size="sm" c="dimmed">
                  <Age since={alert.since} />
                </Text>
              </Group>
            ))}
            <Text size="xs" c="dimmed">
              {total > Math.min(alerts.length, NAMED) && `and ${count(total - Math.min(alerts.length, NAMED))} more; `}
              {silenced > 0 && `${count(silenced)} silenced already; `}
              {plural(last_day, "alert")} like these began within the last day.
            </Text>
          </Stack>
        )}
      </Loaded>
    </Paper>
  );
}
