// The list of keys. Made from the same tables that the keyboard obeys.

import { Group, Kbd, Modal, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { DESTINATIONS, SINGLE } from "./keys.ts";

export function KeyHelp({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title="Keys" size="lg">
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="xl">
        <Stack gap={6}>
          <Title order={3}>On a page</Title>
          {SINGLE.map(({ key, word }) => (
            <Row key={key} keys={[key]} word={word} />
          ))}
          <Row keys={["Ctrl", "K"]} word="Search and commands" />
          <Row keys={["Esc"]} word="Close what is open" />
        </Stack>
        <Stack gap={6}>
          <Title order={3}>Go to</Title>
          {Object.entries(DESTINATIONS).map(([key, { word }]) => (
            <Row key={key} keys={["g", key]} word={word} />
          ))}
        </Stack>
      </SimpleGrid>
    </Modal>
  );
}

function Row({ keys, word }: { keys: string[]; word: string }) {
  return (
    <Group justify="space-between" wrap="nowrap">
      <Text size="sm">{word}</Text>
      <Group gap={4} wrap="nowrap">
        {keys.map((key) => (
          <Kbd key={key}>{key}</Kbd>
        ))}
      </Group>
    </Group>
  );
}
