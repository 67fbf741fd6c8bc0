// Nothing to show: what would be here, and one command to get there.

import { Button, Code, CopyButton, Group, Paper, Stack, Text, Title } from "@mantine/core";
import { Icon, type IconName } from "./icons.tsx";

export function Empty({
  title,
  children,
  command,
  icon = "info",
}: {
  title: string;
  children?: string;
  command?: string;
  icon?: IconName;
}) {
  return (
    <Paper withBorder p="xl" className="wk-empty">
      <Stack align="center" gap="xs">
        <Icon name={icon} size={28} />
        <Title order={3}>{title}</Title>
        {children && (
          <Text c="dimmed" size="sm" ta="center" maw={560}>
            {children}
          </Text>
        )}
        {command && <Snippet command={command} />}
      </Stack>
    </Paper>
  );
}

/** A command to paste into a terminal. */
export function Snippet({ command }: { command: string }) {
  return (
    <Group gap="xs" wrap="nowrap" maw="100%">
      <Code block className="wk-snippet" tabIndex={0}>
        {command}
      </Code>
      <Copy text={command} />
    </Group>
  );
}

/** Puts a text on the clipboard. */
export function Copy({ text, label = "Copy" }: { text: string; label?: string }) {
  return (
    <CopyButton value={text} timeout={1_500}>
      {({ copied, copy }) => (
        <Button variant="default" onClick={copy} leftSection={<Icon name={copied ? "ok" : "copy"} size={14} />}>
          {copied ? "Copied" : label}
        </Button>
      )}
    </CopyButton>
  );
}
