// The next step of an incident, with a note for the timeline.

import { Button, Group, Modal, Stack, Text, Textarea } from "@mantine/core";
import { useState } from "react";
import { type IncidentStepName, stepIncident, useAction } from "../../api/actions.ts";
import type { IncidentDetail } from "../../api/types.ts";
import { useCommand } from "../../app/useKeys.ts";
import { stateLook } from "../../parts/words.ts";
import { nextSteps } from "./steps.ts";

const STEPS: Record<IncidentStepName, { word: string; hint: string }> = {
  acknowledge: { word: "Acknowledge", hint: "You have it. Escalation stops." },
  mitigate: { word: "Mitigate", hint: "Users no longer feel it; the cause may still be there." },
  resolve: { word: "Resolve", hint: "The cause is gone. The post-mortem is drafted." },
  close: { word: "Close", hint: "Nothing more is to be done here." },
};

export function IncidentActions({ incident }: { incident: IncidentDetail }) {
  const [asking, setAsking] = useState<IncidentStepName | null>(null);
  const [note, setNote] = useState("");
  const step = useAction(stepIncident, (i) => `INC-${i.number} is ${stateLook(i.state).word.toLowerCase()}`);
  const steps = nextSteps(incident.state);
  const forget = () => {
    setAsking(null);
    setNote("");
  };
  const take = (name: IncidentStepName, text?: string) =>
    step.mutate({ id: incident.id, step: name, note: text || undefined }, { onSuccess: forget });
  useCommand((command) => {
    // With an alert of the list selected, `a` means that alert.
    const rowSelected = document.querySelector(".wk-row[data-selected]") !== null;
    if (command.kind === "acknowledge" && !rowSelected && steps.includes("acknowledge")) take("acknowledge");
  });
  return (
    <>
      {steps.map((name, index) => (
        <Button
          key={name}
          variant={index === 0 ? "filled" : "default"}
          loading={step.isPending && step.variables?.step === name}
          onClick={() => (name === "acknowledge" ? take(name) : setAsking(name))}
        >
          {STEPS[name].word}
        </Button>
      ))}
      <Modal opened={asking !== null} onClose={() => setAsking(null)} title={asking ? STEPS[asking].word : ""}>
        {asking && (
          <form
            onSubmit={(event) => {
              event.preventDefault();
              take(asking, note);
            }}
          >
            <Stack gap="sm">
              <Text size="sm" c="dimmed">
                {STEPS[asking].hint}
              </Text>
              <Textarea
                label="What was done or found"
                description="For the timeline; may be empty."
                autosize
                minRows={3}
                maxLength={4_000}
                value={note}
                onChange={(e) => setNote(e.currentTarget.value)}
                data-autofocus
              />
              <Group justify="flex-end">
                <Button type="submit" loading={step.isPending}>
                  {STEPS[asking].word}
                </Button>
              </Group>
            </Stack>
          </form>
        )}
      </Modal>
    </>
  );
}
