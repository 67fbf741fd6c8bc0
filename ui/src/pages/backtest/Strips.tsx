// When people would have been told: one cell a day, and one an hour of the day. Darker is more often; the number says it too.

import { Group, Stack, Text, Tooltip } from "@mantine/core";
import type { Replayed } from "../../api/types.ts";
import { plural } from "../../format/number.ts";
import { duration } from "../../format/time.ts";

type Cell = { key: string; label: string; pages: number; note: string; unknown: boolean };

const DAY_SECONDS = 86_400;

export function DayStrip({ rule }: { rule: Replayed }) {
  const cells = rule.days.map((day) => ({
    key: day.date,
    label: day.date.slice(8),
    pages: day.pages,
    unknown: day.unknown_seconds > DAY_SECONDS / 2,
    note: `${day.date}: ${plural(day.pages, "page")}, on for ${duration(day.firing_seconds * 1_000)}${
      day.unknown_seconds > 0 ? `, unknown for ${duration(day.unknown_seconds * 1_000)}` : ""
    }`,
  }));
  return <Strip title="By day" cells={cells} />;
}

export function HourStrip({ rule }: { rule: Replayed }) {
  const cells = rule.hours.map((hour, index) => ({
    key: String(index),
    label: String(index).padStart(2, "0"),
    pages: hour.pages,
    unknown: false,
    note: `${String(index).padStart(2, "0")}:00 to ${String((index + 1) % 24).padStart(2, "0")}:00: ${plural(hour.pages, "page")}, on for ${duration(hour.firing_seconds * 1_000)}`,
  }));
  return <Strip title="By hour of the day" cells={cells} />;
}

function Strip({ title, cells }: { title: string; cells: Cell[] }) {
  const most = Math.max(1, ...cells.map((cell) => cell.pages));
  return (
    <Stack gap={4}>
      <Text size="sm" fw={600}>
        {title}
      </Text>
      <Group gap={3} component="ul" className="wk-strip" aria-label={title}>
        {cells.map((cell) => (
          <Tooltip key={cell.key} label={cell.note}>
            <li
              aria-label={cell.note}
              className={cell.unknown ? "wk-heat wk-heat-unknown" : "wk-heat"}
              style={
                cell.pages > 0 ? { background: `rgb(224 49 49 / ${0.15 + (0.25 * cell.pages) / most})` } : undefined
              }
            >
              <b>{cell.unknown && cell.pages === 0 ? "?" : cell.pages || "·"}</b>
              <span>{cell.label}</span>
            </li>
          </Tooltip>
        ))}
      </Group>
    </Stack>
  );
}
