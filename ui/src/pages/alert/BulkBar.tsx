// What can be done with the alerts that are chosen: acknowledge, silence, assign.

import { Autocomplete, Button, Group, Modal, Paper, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { acknowledgeAlerts, assignAlerts, manyChanged, useAction } from "../../api/actions.ts";
import { me } from "../../api/queries.ts";
import type { Alert } from "../../api/types.ts";
import { plural } from "../../format/number.ts";
import { Icon } from "../../parts/icons.tsx";
import { matchersForAll } from "../silence/matchers.ts";
import { SilenceForm } from "../silence/SilenceForm.tsx";

export function BulkBar({ alerts, owners, onDone }: { alerts: Alert[]; owners: string[]; onDone: () => void }) {
  const acknowledge = useAction(acknowledgeAlerts, (done) => manyChanged("Acknowledged", done));
  const [silencing, silence] = useDisclosure(false);
  const [assigning, assign] = useDisclosure(false);
  const finish = (close: () => void) => () => {
    close();
    onDone();
  };
  const ids = alerts.map((alert) => alert.id);
  if (ids.length === 0) return null;
  return (
    <Paper withBorder p="xs" shadow="md" className="wk-bulk" role="toolbar" aria-label="Chosen alerts">
      <Group gap="xs">
        <Text size="sm" fw={600} className="wk-number">
          {plural(ids.length, "alert")} chosen
        </Text>
        <Button
          loading={acknowledge.isPending}
          leftSection={<Icon name="hand" size={14} />}
          onClick={() => acknowledge.mutate(ids, { onSuccess: onDone })}
        >
          Acknowledge
        </Button>
        <Button variant="default" leftSection={<Icon name="mute" size={14} />} onClick={silence.open}>
          Silence…
        </Button>
        <Button variant="default" leftSection={<Icon name="person" size={14} />} onClick={assign.open}>
          Assign…
        </Button>
        <Button variant="subtle" color="gray" onClick={onDone}>
          Clear
        </Button>
      </Group>
      <Modal opened={silencing} onClose={silence.close} title={`Silence ${plural(ids.length, "alert")}`} size="lg">
        <SilenceForm matchers={matchersForAll(alerts).join("\n")} onDone={finish(silence.close)} />
      </Modal>
      <Modal opened={assigning} onClose={assign.close} title={`Assign ${plural(ids.length, "alert")}`}>
        <AssignForm ids={ids} owners={owners} onDone={finish(assign.close)} />
      </Modal>
    </Paper>
  );
}

/** To whom; somebody known is offered, anybody can be written. */
export function AssignForm({ ids, owners, onDone }: { ids: string[]; owners: string[]; onDone: () => void }) {
  const { data: myself } = useQuery(me());
  const [person, setPerson] = useState("");
  const known = useMemo(() => [...new Set([...(myself ? [myself.name] : []), ...owners])], [myself, owners]);
  const give = useAction(assignAlerts, (done) => manyChanged("Assigned", done));
  const to = (name: string | null) => give.mutate({ alert_ids: ids, person: name }, { onSuccess: onDone });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        to(person.trim());
      }}
    >
      <Stack gap="sm">
        <Autocomplete label="To whom" data={known} value={person} onChange={setPerson} maxLength={120} data-autofocus />
        <Text size="sm" c="dimmed">
          Where an alert belongs to an open incident, its incident gets this person as commander.
        </Text>
        <Group justify="space-between">
          <Group gap="xs">
            {myself && (
              <Button variant="default" onClick={() => to(myself.name)} loading={give.isPending}>
                To me
              </Button>
            )}
            <Button variant="subtle" color="gray" onClick={() => to(null)} loading={give.isPending}>
              To nobody
            </Button>
          </Group>
          <Button type="submit" disabled={!person.trim()} loading={give.isPending}>
            Assign
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
