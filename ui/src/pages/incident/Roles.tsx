// Who has which role, and how to give one.

import { ActionIcon, Button, Group, Popover, SimpleGrid, Text, TextInput, Tooltip } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { assignRole, useAction } from "../../api/actions.ts";
import { me } from "../../api/queries.ts";
import type { IncidentDetail, Role } from "../../api/types.ts";
import { Icon } from "../../parts/icons.tsx";
import { ROLE_WORDS, roleWord } from "../../parts/words.ts";

export function Roles({ incident }: { incident: IncidentDetail }) {
  return (
    <SimpleGrid cols={{ base: 1, xs: 2, lg: 4 }} spacing="sm" mt="md">
      {ROLE_WORDS.map((role) => (
        <RoleCell key={role} id={incident.id} role={role as Role} person={incident.roles[role] ?? null} />
      ))}
    </SimpleGrid>
  );
}

function RoleCell({ id, role, person }: { id: string; role: Role; person: string | null }) {
  const { data: self } = useQuery(me());
  const [open, setOpen] = useState(false);
  const [name, setName] = useState("");
  const assign = useAction(assignRole, () => `${roleWord(role)} changed`);
  const give = (next: string | null) => assign.mutate({ id, role, person: next }, { onSuccess: () => setOpen(false) });
  return (
    <Group gap="xs" wrap="nowrap" justify="space-between" align="flex-end">
      <div className="wk-wrap">
        <Text size="xs" c="dimmed">
          {roleWord(role)}
        </Text>
        <Text size="sm" fw={person ? 600 : undefined} c={person ? undefined : "dimmed"}>
          {person ?? "nobody"}
        </Text>
      </div>
      <Popover opened={open} onChange={setOpen} trapFocus position="bottom-end" withArrow>
        <Popover.Target>
          <Tooltip label={`Assign ${roleWord(role).toLowerCase()}`}>
            <ActionIcon
              variant="subtle"
              onClick={() => setOpen(!open)}
              aria-label={`Assign ${roleWord(role).toLowerCase()}`}
            >
              <Icon name="person" />
            </ActionIcon>
          </Tooltip>
        </Popover.Target>
        <Popover.Dropdown>
          <form
            onSubmit={(event) => {
              event.preventDefault();
              if (name.trim()) give(name.trim());
            }}
          >
            <Group gap="xs" align="flex-end">
              <TextInput label="Person" value={name} onChange={(e) => setName(e.currentTarget.value)} maxLength={120} />
              <Button type="submit" loading={assign.isPending} disabled={!name.trim()}>
                Assign
              </Button>
            </Group>
            <Group gap="xs" mt="xs">
              {self && (
                <Button variant="light" onClick={() => give(self.name)}>
                  Take it yourself
                </Button>
              )}
              {person && (
                <Button variant="default" onClick={() => give(null)}>
                  Free the role
                </Button>
              )}
            </Group>
          </form>
        </Popover.Dropdown>
      </Popover>
    </Group>
  );
}
