// One log record: a line that opens to its attributes. Everything in it comes from outside and is shown as text.

import { Anchor, Box } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { LogRecord } from "../../api/types.ts";
import { useUtc } from "../../app/preferences.ts";
import { absolute, clock } from "../../format/time.ts";
import { Facts } from "../../parts/Page.tsx";

export function severityColor(number: number): string {
  if (number >= 17) return "red";
  if (number >= 13) return "orange";
  return number >= 9 ? "blue" : "gray";
}

export function LogLine({ record }: { record: LogRecord }) {
  const utc = useUtc();
  const at = Date.parse(record.at);
  return (
    <details className="wk-log">
      <summary>
        <time dateTime={record.at} className="wk-number" title={absolute(at, utc)}>
          {clock(at, utc, true)}
        </time>
        <Box component="span" c={severityColor(record.severity_number)} fw={700} miw="3.2rem">
          {record.severity || "–"}
        </Box>
        <Box component="span" c="dimmed" style={{ flex: "none" }}>
          {record.service}
        </Box>
        <span>{record.body}</span>
      </summary>
      <Box p="xs" pl="md">
        <Facts
          items={[
            ...(record.trace_id
              ? [
                  [
                    "trace",
                    <Anchor key="t" component={Link} to={`/telemetry/traces/${record.trace_id}`} inherit>
                      {record.trace_id}
                    </Anchor>,
                  ] as [string, React.ReactNode],
                ]
              : []),
            ...Object.entries(record.attributes),
          ]}
        />
      </Box>
    </details>
  );
}
