// Draws a trace: one row per span, indented by depth, a bar where it ran. A row opens to its attributes.

import { Box, Group, Text, useComputedColorScheme } from "@mantine/core";
import { useState } from "react";
import type { Span } from "../../api/types.ts";
import { lineColor } from "../../chart/colors.ts";
import { duration } from "../../format/time.ts";
import { Icon } from "../../parts/icons.tsx";
import { Facts } from "../../parts/Page.tsx";
import type { Layout } from "./waterfall.ts";

export function Waterfall({ layout }: { layout: Layout }) {
  const dark = useComputedColorScheme("light") === "dark";
  const [open, setOpen] = useState<string | null>(null);
  const color = (service: string) => lineColor(layout.services.indexOf(service), dark);
  return (
    <>
      <Group gap="md" mb="xs">
        {layout.services.map((service) => (
          <Group key={service} gap={6}>
            <span className="wk-swatch" style={{ background: color(service), height: 8 }} />
            <Text size="xs">{service}</Text>
          </Group>
        ))}
        <Group gap={6}>
          <span className="wk-swatch wk-critical" />
          <Text size="xs">the whole trace waited for this</Text>
        </Group>
      </Group>
      {layout.rows.map(({ span, depth }) => {
        const left = ((span.offset_us - layout.start) / layout.total) * 100;
        const width = (span.duration_us / layout.total) * 100;
        const failed = span.status === "error";
        const expanded = open === span.span_id;
        return (
          <div key={span.span_id}>
            <button
              type="button"
              className="wk-span"
              aria-expanded={expanded}
              onClick={() => setOpen(expanded ? null : span.span_id)}
            >
              <span
                className="wk-span-name"
                style={{ paddingLeft: Math.min(depth, 12) * 14 }}
                title={`${span.service}: ${span.name}`}
              >
                {failed && (
                  <Text span inherit c="red">
                    <Icon name="failed" size={12} />
                    <span className="wk-sr">failed</span>{" "}
                  </Text>
                )}
                {span.name}{" "}
                <Text span inherit c="dimmed">
                  {span.service}
                </Text>
              </span>
              <span className="wk-span-track">
                <span
                  className="wk-span-bar"
                  style={{
                    left: `${left}%`,
                    width: `${width}%`,
                    background: color(span.service),
                    outline: failed ? "2px solid var(--mantine-color-red-6)" : undefined,
                  }}
                />
                {span.critical?.map((part) => (
                  <span
                    key={part.offset_us}
                    className="wk-span-critical wk-critical"
                    style={{
                      left: `${((part.offset_us - layout.start) / layout.total) * 100}%`,
                      width: `${(part.duration_us / layout.total) * 100}%`,
                    }}
                  />
                ))}
                <span
                  className="wk-span-time"
                  style={left + width > 75 ? { right: `${100 - left}%` } : { left: `${left + width}%` }}
                >
                  {duration(span.duration_us / 1_000)}
                </span>
              </span>
            </button>
            {expanded && <Details span={span} />}
          </div>
        );
      })}
    </>
  );
}

function Details({ span }: { span: Span }) {
  return (
    <Box p="sm" ml="lg" style={{ borderLeft: "2px solid var(--mantine-color-default-border)" }}>
      <Facts
        items={[
          ["service", span.service],
          ["kind", span.kind],
          ["status", span.status_message ? `${span.status}: ${span.status_message}` : span.status],
          ["began after", duration(span.offset_us / 1_000)],
          ["took", duration(span.duration_us / 1_000)],
          ["waited for", duration((span.critical ?? []).reduce((sum, part) => sum + part.duration_us, 0) / 1_000)],
          ["span", span.span_id],
          ...Object.entries(span.attributes),
        ]}
      />
      {span.events.map((event) => (
        <Text key={`${event.at}-${event.name}`} size="sm" mt={6} className="wk-wrap">
          <b>{event.name}</b>{" "}
          <Text span inherit c="dimmed">
            {Object.entries(event.attributes)
              .map(([k, v]) => `${k}=${v}`)
              .join(" ")}
          </Text>
        </Text>
      ))}
    </Box>
  );
}
