// Each change of an alert's state.

import { Text } from "@mantine/core";
import type { AlertDetail } from "../../api/types.ts";
import { quantity } from "../../format/number.ts";
import { Flow } from "../../parts/Flow.tsx";
import { Section } from "../../parts/Page.tsx";
import { At } from "../../parts/When.tsx";
import { stateLook } from "../../parts/words.ts";

export function Transitions({ transitions }: { transitions: AlertDetail["transitions"] }) {
  if (transitions.length === 0) return null;
  return (
    <Section title="History" count={transitions.length}>
      <Flow
        label="Changes of state"
        items={transitions.map((t, index) => ({
          key: `${index}-${t.at}`,
          look: stateLook(t.to),
          head: (
            <Text size="sm" component="div">
              {t.from && `${stateLook(t.from).word} → `}
              <b>{stateLook(t.to).word}</b>
              {t.value !== null && t.value !== undefined && ` at ${quantity(t.value)}`}
            </Text>
          ),
          aside: <At at={t.at} />,
          body: (
            <Text size="sm" c="dimmed" className="wk-wrap">
              {t.reason}
            </Text>
          ),
        }))}
      />
    </Section>
  );
}
