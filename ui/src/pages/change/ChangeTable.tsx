// A list of changes, as the page of all of them and an incident show it.

import { Text } from "@mantine/core";
import type { ServiceChange } from "../../api/types.ts";
import { type Column, DataList } from "../../parts/DataList.tsx";
import { SafeLink } from "../../parts/Labels.tsx";
import { StateBadge } from "../../parts/StateBadge.tsx";
import { At } from "../../parts/When.tsx";

const COLUMNS: Column<ServiceChange>[] = [
  { header: "When", width: 170, cell: (c) => <At at={c.at} /> },
  { header: "Status", badge: true, width: 130, cell: (c) => <StateBadge state={c.status} /> },
  {
    header: "Change",
    lead: true,
    cell: (c) => (
      <div className="wk-wrap">
        <b>{c.service || "no service named"}</b> {c.version}
        {c.summary && (
          <Text size="sm" component="div">
            {c.summary}
          </Text>
        )}
        <Text size="xs" c="dimmed" component="div">
          {[c.kind, c.environment, c.source].filter((word) => word !== "").join(" · ")}
        </Text>
      </div>
    ),
  },
  { header: "By", width: 140, cell: (c) => <span className="wk-wrap">{c.author || "–"}</span> },
  { header: "Link", width: 90, cell: (c) => (c.url ? <SafeLink href={c.url}>open</SafeLink> : "–") },
];

export function ChangeTable({ items, label }: { items: ServiceChange[]; label: string }) {
  return <DataList label={label} items={items} columns={COLUMNS} keyOf={(c) => c.id} />;
}
