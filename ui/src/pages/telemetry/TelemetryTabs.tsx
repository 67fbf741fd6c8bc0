// The kinds of telemetry and the map that is told from them, and the time range that they share.

import { Group, SegmentedControl, Tabs, Text } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useUtc } from "../../app/preferences.ts";
import { absolute } from "../../format/time.ts";
import { RANGES, type RangeSearch } from "../../url/search.ts";

const TABS = { metrics: "Metrics", logs: "Logs", traces: "Traces", map: "Map" } as const;

export function TelemetryTabs({ active, range }: { active: keyof typeof TABS; range: RangeSearch }) {
  const navigate = useNavigate();
  const search = { range: range.range, from: range.from, to: range.to };
  return (
    <Tabs value={active} onChange={(tab) => void navigate({ to: `/telemetry/${tab}`, search: search as never })}>
      <Tabs.List>
        {Object.entries(TABS).map(([tab, word]) => (
          <Tabs.Tab key={tab} value={tab}>
            {word}
          </Tabs.Tab>
        ))}
      </Tabs.List>
    </Tabs>
  );
}

export function RangePicker({ range, onChange }: { range: RangeSearch; onChange: (range: RangeSearch) => void }) {
  const utc = useUtc();
  const fixed = range.from !== undefined && range.to !== undefined;
  return (
    <Group gap="xs">
      <SegmentedControl
        aria-label="Time range"
        size="xs"
        data={[...Object.keys(RANGES), ...(fixed ? [{ value: "fixed", label: "chosen" }] : [])]}
        value={fixed ? "fixed" : (range.range ?? "1h")}
        onChange={(name) => name !== "fixed" && onChange({ range: name, from: undefined, to: undefined })}
      />
      {fixed && (
        <Text size="xs" c="dimmed">
          {absolute(Number(range.from), utc)} to {absolute(Number(range.to), utc)}
        </Text>
      )}
    </Group>
  );
}
