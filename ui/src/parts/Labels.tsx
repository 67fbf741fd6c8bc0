// Labels and links from outside: always text, and a link only where the address is http or https.

import { Anchor, Code, Group, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { externalLink } from "../url/safeLink.ts";
import { Icon } from "./icons.tsx";

/** Labels as `name=value`; the alert's name is left out, for it stands beside. */
export function Labels({ labels, limit }: { labels: Record<string, string>; limit?: number }) {
  const all = Object.entries(labels).filter(([name]) => name !== "alertname");
  const shown = limit === undefined ? all : all.slice(0, limit);
  return (
    <Group gap={4} className="wk-labels">
      {shown.map(([name, value]) => (
        <Code key={name} className="wk-label" title={`${name}="${value}"`}>
          {name}=<b>{value}</b>
        </Code>
      ))}
      {shown.length < all.length && (
        <Text size="xs" c="dimmed">
          +{all.length - shown.length}
        </Text>
      )}
    </Group>
  );
}

/** A text that becomes a link if, and only if, it is an http(s) address. */
export function SafeLink({ href, children }: { href: string; children?: ReactNode }) {
  const safe = externalLink(href);
  if (!safe) return <span className="wk-wrap">{children ?? href}</span>;
  return (
    <Anchor href={safe} target="_blank" rel="noopener noreferrer nofollow" className="wk-wrap" inherit>
      {children ?? href} <Icon name="outside" size={12} />
    </Anchor>
  );
}

/** Anything structured, as text. */
export function Json({ value }: { value: unknown }) {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  return (
    <Code block className="wk-json" tabIndex={0}>
      {text}
    </Code>
  );
}
