// A run drawn from top to bottom: guards, steps with their attempts, verification.

import { Code, Group, Stack, Text } from "@mantine/core";
import type { RunDetail, RunStep } from "../../api/types.ts";
import { quantity } from "../../format/number.ts";
import { duration } from "../../format/time.ts";
import { Flow, type FlowItem } from "../../parts/Flow.tsx";
import { Json } from "../../parts/Labels.tsx";
import { More } from "../../parts/More.tsx";
import { At } from "../../parts/When.tsx";
import { stateLook } from "../../parts/words.ts";

export function RunFlow({ run }: { run: RunDetail }) {
  const items: FlowItem[] = [
    ...run.guards.map((guard, index) => ({
      key: `guard-${index}`,
      look: stateLook(guard.outcome),
      head: (
        <Text size="sm">
          <Text span inherit c="dimmed">
            Guard{" "}
          </Text>
          <b>{guard.guard.replaceAll("_", " ")}</b> ({stateLook(guard.outcome).word.toLowerCase()})
        </Text>
      ),
      aside: <At at={guard.at} relativeToo={false} />,
      body: (
        <Text size="sm" c="dimmed" className="wk-wrap">
          {guard.reason}
        </Text>
      ),
    })),
    ...run.steps.map((step, index) => ({
      key: `step-${index}`,
      look: stateLook(step.state),
      head: <StepHead step={step} />,
      aside: step.attempts[0] && <At at={step.attempts[0].started_at} relativeToo={false} />,
      body: <StepBody step={step} />,
    })),
  ];
  if (run.verify) {
    const { verify } = run;
    items.push({
      key: "verify",
      look: stateLook(verify.outcome),
      head: (
        <Text size="sm">
          <Text span inherit c="dimmed">
            Verify{" "}
          </Text>
          <b>did it help?</b> ({stateLook(verify.outcome).word.toLowerCase()})
        </Text>
      ),
      aside: verify.at && <At at={verify.at} relativeToo={false} />,
      body: (
        <Stack gap={4} align="flex-start">
          <Code className="wk-expr">{verify.expr}</Code>
          <Text size="sm" c="dimmed" className="wk-wrap">
            within {verify.within}: {verify.detail}
            {verify.value != null && ` (last value ${quantity(verify.value)})`}
          </Text>
        </Stack>
      ),
    });
  }
  if (items.length === 0)
    return (
      <Text size="sm" c="dimmed">
        Nothing has happened yet.
      </Text>
    );
  return <Flow label="Guards, steps and verification" items={items} />;
}

function StepHead({ step }: { step: RunStep }) {
  return (
    <Group gap={6}>
      <Text size="sm">
        <Text span inherit c="dimmed">
          Step{" "}
        </Text>
        <b>{step.name}</b> ({stateLook(step.state).word.toLowerCase()})
      </Text>
      <Code fz="xs">{step.uses}</Code>
    </Group>
  );
}

function StepBody({ step }: { step: RunStep }) {
  const facts = step.input != null || step.result != null;
  return (
    <Stack gap={2}>
      {step.reason && (
        <Text size="sm" className="wk-wrap">
          {step.reason}
        </Text>
      )}
      {step.attempts.map((attempt) => (
        <Text key={attempt.number} size="xs" c="dimmed" className="wk-wrap">
          attempt {attempt.number}: {stateLook(attempt.outcome).word.toLowerCase()}
          {attempt.finished_at && ` in ${duration(Date.parse(attempt.finished_at) - Date.parse(attempt.started_at))}`}
          {attempt.error && ` · ${attempt.error}`}
        </Text>
      ))}
      {facts && (
        <More label="input and result">
          {step.input != null && (
            <>
              <Text size="xs" c="dimmed">
                Input
              </Text>
              <Json value={step.input} />
            </>
          )}
          {step.result != null && (
            <>
              <Text size="xs" c="dimmed">
                Result
              </Text>
              <Json value={step.result} />
            </>
          )}
        </More>
      )}
    </Stack>
  );
}
