// Other thresholds and other `for`s: pages per week of each, and what the chosen one would have caught.

import { Button, Group, ScrollArea, Slider, Stack, Table, Text, UnstyledButton } from "@mantine/core";
import type { BacktestExploration, Replayed } from "../../api/types.ts";
import { digits, plural } from "../../format/number.ts";
import { type Choice, holdText } from "./run.ts";

type Props = {
  rule: Replayed;
  explored: BacktestExploration;
  choice: Choice;
  onChoose: (choice: Choice) => void;
  onReplay: () => void;
};

export function Settings({ rule, explored, choice, onChoose, onReplay }: Props) {
  const { thresholds, holds_seconds: holds } = explored;
  const cell = explored.cells[choice.threshold]?.[choice.hold];
  const threshold = thresholds[choice.threshold];
  const perWeek = (of: { pages: number; pages_per_week?: number | null }) => of.pages_per_week ?? of.pages;
  const unit = rule.pages_per_week === null || rule.pages_per_week === undefined ? "pages" : "pages per week";
  return (
    <Stack gap="md">
      <Group align="flex-end" gap="xl" grow>
        <Stack gap={4}>
          <Text size="sm">
            Threshold: {rule.comparison} {threshold === undefined ? "–" : digits(threshold)}
          </Text>
          <Slider
            thumbLabel="Threshold"
            min={0}
            max={Math.max(1, thresholds.length - 1)}
            value={choice.threshold}
            label={(at) => digits(thresholds[at] ?? 0)}
            onChange={(at) => onChoose({ ...choice, threshold: at })}
          />
        </Stack>
        <Stack gap={4}>
          <Text size="sm">for: {holdText(holds[choice.hold] ?? 0)}</Text>
          <Slider
            thumbLabel="How long the condition must hold"
            min={0}
            max={Math.max(1, holds.length - 1)}
            value={choice.hold}
            label={(at) => holdText(holds[at] ?? 0)}
            onChange={(at) => onChoose({ ...choice, hold: at })}
          />
        </Stack>
      </Group>
      {cell && (
        <Group justify="space-between">
          <Text size="sm" aria-live="polite">
            <b>{digits(perWeek(cell))}</b> {unit} ({plural(cell.pages, "page")} in this time)
            {rule.incidents.length > 0 &&
              `, catches ${cell.caught} of ${plural(rule.incidents.length, "known incident")}`}
          </Text>
          <Button size="xs" variant="light" onClick={onReplay}>
            Replay with these
          </Button>
        </Group>
      )}
      <ScrollArea tabIndex={0}>
        <Table withRowBorders={false} horizontalSpacing={6} verticalSpacing={2} className="wk-settings">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{unit}</Table.Th>
              {holds.map((hold) => (
                <Table.Th key={hold}>for {holdText(hold)}</Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {explored.cells.map((row, at) => (
              <Table.Tr key={thresholds[at]}>
                <Table.Th>
                  {rule.comparison} {digits(thresholds[at] ?? 0)}
                  {thresholds[at] === rule.threshold && " (now)"}
                </Table.Th>
                {row.map((one, hold) => (
                  <Table.Td key={holds[hold]} p={0}>
                    <UnstyledButton
                      className="wk-setting"
                      aria-pressed={at === choice.threshold && hold === choice.hold}
                      aria-label={`${rule.comparison} ${digits(thresholds[at] ?? 0)} for ${holdText(holds[hold] ?? 0)}: ${digits(perWeek(one))} ${unit}`}
                      onClick={() => onChoose({ threshold: at, hold })}
                      style={{ background: `rgb(224 49 49 / ${shade(perWeek(one))})` }}
                    >
                      {digits(perWeek(one))}
                    </UnstyledButton>
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </ScrollArea>
    </Stack>
  );
}

/** Two pages a week can be borne, twenty cannot. */
function shade(pages: number): number {
  return pages <= 0 ? 0 : Math.min(0.6, 0.05 + 0.18 * Math.log2(1 + pages));
}
