// The frame of a page: one heading, what belongs beside it, and the document's title.

import { Box, Card, Group, Stack, Text, Title } from "@mantine/core";
import { type ReactNode, useEffect } from "react";

type PageProps = {
  title: string;
  above?: ReactNode;
  badges?: ReactNode;
  actions?: ReactNode;
  lead?: ReactNode;
  children: ReactNode;
};

export function Page({ title, above, badges, actions, lead, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · Watchkeeper`;
  }, [title]);
  return (
    <Stack gap="md">
      <Box>
        {above && (
          <Text size="sm" c="dimmed" component="div">
            {above}
          </Text>
        )}
        <Group justify="space-between" align="flex-start" gap="sm">
          <Group gap="sm" className="wk-grow">
            <Title order={1} className="wk-wrap" tabIndex={-1} id="page-title">
              {title}
            </Title>
            {badges}
          </Group>
          {actions && <Group gap="xs">{actions}</Group>}
        </Group>
        {lead && (
          <Text size="sm" c="dimmed" mt={4} component="div">
            {lead}
          </Text>
        )}
      </Box>
      {children}
    </Stack>
  );
}

/** A part of a page with its own heading. */
export function Section({
  title,
  count,
  aside,
  children,
}: {
  title: string;
  count?: number;
  aside?: ReactNode;
  children: ReactNode;
}) {
  return (
    <Card withBorder padding="md" component="section" aria-label={title}>
      <Group justify="space-between" mb="sm" gap="xs">
        <Title order={2}>
          {title}
          {count !== undefined && (
            <Text span inherit c="dimmed" fw={400}>
              {" "}
              {count}
            </Text>
          )}
        </Title>
        {aside}
      </Group>
      {children}
    </Card>
  );
}

/** Names and values, one under the other. */
export function Facts({ items }: { items: [name: string, value: ReactNode][] }) {
  return (
    <dl className="wk-facts">
      {items.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
