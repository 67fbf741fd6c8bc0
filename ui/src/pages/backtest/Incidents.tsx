// Known incidents: which the rule would have caught, how much earlier, and which not.

import { Table, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { BacktestIncident, BacktestReport } from "../../api/types.ts";
import { useUtc } from "../../app/preferences.ts";
import { absolute, duration } from "../../format/time.ts";

const WORDS = {
  caught: "caught",
  already_firing: "was firing already",
  missed: "missed",
  unknown: "unknown: no data",
} as const;
const COLORS = { caught: "teal", already_firing: "yellow", missed: "red", unknown: "violet" } as const;

export function Incidents({ report }: { report: BacktestReport }) {
  const utc = useUtc();
  const { candidate, current } = report;
  if (candidate.incidents.length === 0)
    return (
      <Text size="sm" c="dimmed">
        No incident is known in this time. What is declared, or opened by an alert, will be held against rules here.
      </Text>
    );
  const now = new Map(current?.incidents.map((incident) => [incident.id, incident]));
  return (
    <Table>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Incident</Table.Th>
          <Table.Th>Detected</Table.Th>
          <Table.Th>This rule</Table.Th>
          {current && <Table.Th>The rule that runs</Table.Th>}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {candidate.incidents.toReversed().map((incident) => (
          <Table.Tr key={incident.id}>
            <Table.Td className="wk-wrap">
              <Link to="/incidents/$id" params={{ id: incident.id }}>
                INC-{incident.number}
              </Link>{" "}
              {incident.title}
            </Table.Td>
            <Table.Td>{absolute(Date.parse(incident.opened_at), utc)}</Table.Td>
            <Table.Td>
              <Verdict incident={incident} />
            </Table.Td>
            {current && (
              <Table.Td>
                <Verdict incident={now.get(incident.id)} />
              </Table.Td>
            )}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Verdict({ incident }: { incident: BacktestIncident | undefined }) {
  if (!incident) return <>–</>;
  const earlier = incident.earlier_seconds;
  const lead =
    earlier === null || earlier === undefined
      ? ""
      : Math.abs(earlier) < 1
        ? ", at the same time"
        : `, ${duration(Math.abs(earlier) * 1_000)} ${earlier > 0 ? "earlier" : "later"}`;
  return (
    <Text span inherit c={COLORS[incident.verdict]}>
      {WORDS[incident.verdict]}
      {lead}
    </Text>
  );
}
