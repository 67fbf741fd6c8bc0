// What an expression gives now and gave lately: its compared side as a chart with the threshold, before it wakes anybody.

import { Alert, Group, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { expressionChecked } from "../../api/rules.ts";
import { promRange } from "../../api/telemetry.ts";
import { Chart } from "../../chart/LazyChart.tsx";
import { plural } from "../../format/number.ts";
import { Loaded } from "../../parts/Problem.tsx";
import type { RangeSearch } from "../../url/search.ts";
import { unitOf } from "../telemetry/metrics.ts";
import { RangePicker } from "../telemetry/TelemetryTabs.tsx";

/** A chart of more lines says nothing and stalls the page. */
const MAX_LINES = 40;

export function RulePreview({ expr, holdFor }: { expr: string; holdFor?: string | null }) {
  const [range, setRange] = useState<RangeSearch>({ range: "1h" });
  const checked = useQuery(expressionChecked(expr));
  const comparison = checked.data?.comparison;
  const broken = (checked.data?.problems.length ?? 0) > 0;
  const shown = broken ? "" : (comparison?.lhs ?? expr);
  const result = useQuery(promRange(shown, range));
  return (
    <Stack gap="xs">
      <RangePicker range={range} onChange={setRange} />
      {checked.data?.mismatches.map((m) => (
        <Alert key={m.selector} color="yellow" variant="light" title="It can never fire as things are">
          {m.reason}
        </Alert>
      ))}
      {broken ? (
        <Text size="sm" c="dimmed">
          The expression has an error; its chart is drawn when it has none.
        </Text>
      ) : (
        <Loaded query={result} lines={6}>
          {({ lines, start, end }) =>
            lines.length === 0 ? (
              <Text size="sm" c="dimmed">
                Nothing in this time range has what the expression compares.
              </Text>
            ) : (
              <>
                <Chart
                  title={shown}
                  lines={lines.slice(0, MAX_LINES)}
                  start={start}
                  end={end}
                  unit={unitOf(shown)}
                  threshold={comparison?.threshold}
                  comparison={comparison?.op}
                  height={240}
                />
                <Group gap="md">
                  <Text size="xs" c="dimmed">
                    {plural(lines.length, "line")}
                    {comparison ? `; the condition is ${comparison.op} ${comparison.threshold}` : ""}
                    {holdFor ? `, held for ${holdFor}` : ""}
                  </Text>
                </Group>
              </>
            )
          }
        </Loaded>
      )}
    </Stack>
  );
}
