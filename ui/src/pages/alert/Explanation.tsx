// Why somebody was, or was not, told: every hop from the sample to the receipt.

import { Paper, Text } from "@mantine/core";
import type { ExplainStep } from "../../api/types.ts";
import { Flow } from "../../parts/Flow.tsx";
import { MoreJson } from "../../parts/More.tsx";
import { At } from "../../parts/When.tsx";
import { stateLook } from "../../parts/words.ts";

const STAGES: Record<ExplainStep["stage"], string> = {
  sample: "Sample",
  rule: "Rule",
  alert: "Alert",
  route: "Route",
  group: "Group",
  silence: "Silence",
  inhibit: "Inhibition",
  incident: "Incident",
  workflow: "Workflow",
  escalation: "Escalation",
  notification: "Notification",
  attempt: "Attempt",
  receipt: "Receipt",
};

export function Explanation({ explanation }: { explanation: { verdict: string; steps: ExplainStep[] } }) {
  return (
    <>
      <Paper p="sm" mb="md" className="wk-stripe" withBorder style={{ "--wk-stripe": "var(--mantine-color-lamp-6)" }}>
        <Text size="sm" fw={600} className="wk-wrap">
          {explanation.verdict}
        </Text>
      </Paper>
      <Flow
        label="Steps from the sample to the receipt"
        items={explanation.steps.map((step, index) => ({
          key: `${index}-${step.stage}`,
          look: stateLook(step.outcome),
          head: (
            <Text size="sm" component="div">
              <Text span inherit c="dimmed">
                {STAGES[step.stage] ?? step.stage}:{" "}
              </Text>
              <b>{step.title}</b>
              {step.outcome !== "ok" && step.outcome !== "info" && ` (${stateLook(step.outcome).word.toLowerCase()})`}
            </Text>
          ),
          aside: step.at ? <At at={step.at} relativeToo={false} /> : "not yet",
          body: (
            <>
              {step.detail && (
                <Text size="sm" c="dimmed" className="wk-wrap" style={{ whiteSpace: "pre-line" }}>
                  {step.detail}
                </Text>
              )}
              {step.data && Object.keys(step.data).length > 0 && <MoreJson label="facts" value={step.data} />}
            </>
          ),
        }))}
      />
    </>
  );
}
