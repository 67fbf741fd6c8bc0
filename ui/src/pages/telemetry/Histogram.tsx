// How many records over time, stacked by severity. A bar leads to its time range.

import { Group, Text, Tooltip, useComputedColorScheme } from "@mantine/core";
import type { LogBucket } from "../../api/types.ts";
import { useUtc } from "../../app/preferences.ts";
import { plural } from "../../format/number.ts";
import { clock } from "../../format/time.ts";

export function Histogram({ buckets, onZoom }: { buckets: LogBucket[]; onZoom: (from: number, to: number) => void }) {
  const utc = useUtc();
  const shade = useComputedColorScheme("light") === "dark" ? 5 : 6;
  const most = Math.max(1, ...buckets.map((b) => b.info + b.warn + b.error));
  const [first, second] = buckets;
  if (!first)
    return (
      <Text size="sm" c="dimmed">
        Nothing to count.
      </Text>
    );
  const width = second ? Date.parse(second.at) - Date.parse(first.at) : 60_000;
  const total = (key: "info" | "warn" | "error") => buckets.reduce((sum, b) => sum + b[key], 0);
  const summary = `${plural(total("error"), "error")}, ${plural(total("warn"), "warning")}, ${plural(total("info"), "other record")}`;
  const end = buckets.at(-1);
  return (
    <section aria-label={`Records over time: ${summary}`}>
      <div className="wk-bars">
        {buckets.map((bucket) => {
          const at = Date.parse(bucket.at);
          const parts = [
            [bucket.error, "red", "errors"],
            [bucket.warn, "orange", "warnings"],
            [bucket.info, "sea", "others"],
          ] as const;
          return (
            <Tooltip
              key={bucket.at}
              label={`${clock(at, utc)}: ${parts.map(([n, , word]) => `${n} ${word}`).join(", ")}`}
            >
              {/* biome-ignore lint/a11y/useKeyWithClickEvents: the range picker does the same by keyboard */}
              {/* biome-ignore lint/a11y/noStaticElementInteractions: see above */}
              <div onClick={() => onZoom(at, at + width)}>
                {parts.map(([count, color]) => (
                  <div
                    key={color}
                    style={{ height: `${(count / most) * 100}%`, background: `var(--mantine-color-${color}-${shade})` }}
                  />
                ))}
              </div>
            </Tooltip>
          );
        })}
      </div>
      <Group justify="space-between">
        <Text size="xs" c="dimmed" className="wk-number">
          {clock(Date.parse(first.at), utc)}
        </Text>
        <Text size="xs" c="dimmed" className="wk-number">
          {end && clock(Date.parse(end.at) + width, utc)}
        </Text>
      </Group>
      <Text size="xs" c="dimmed" ta="center">
        {summary}
      </Text>
    </section>
  );
}
