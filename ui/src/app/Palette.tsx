// The palette (Ctrl K): pages, open incidents, alerts and rules, found by typing a part of their names.

import { Spotlight, type SpotlightActionGroupData } from "@mantine/spotlight";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { alerts, incidents, rules } from "../api/queries.ts";
import { Icon, type IconName } from "../parts/icons.tsx";
import { stateLook } from "../parts/words.ts";
import { DESTINATIONS } from "./keys.ts";

export function Palette() {
  const navigate = useNavigate();
  const [open, setOpen] = useState(false);
  const firing = useQuery({ ...alerts({}), enabled: open });
  const known = useQuery({ ...incidents({}), enabled: open });
  const all = useQuery({ ...rules({}), enabled: open, refetchInterval: false });

  const action = (id: string, label: string, description: string, icon: IconName, to: string) => ({
    id,
    label,
    description,
    leftSection: <Icon name={icon} />,
    onClick: () => void navigate({ to }),
  });
  const groups: SpotlightActionGroupData[] = [
    {
      group: "Pages",
      actions: Object.entries(DESTINATIONS).map(([key, { to, word }]) =>
        action(`page-${to}`, word, `g ${key}`, "now", to),
      ),
    },
    {
      group: "Incidents",
      actions: (known.data?.items ?? []).map((i) =>
        action(i.id, `INC-${i.number} ${i.title}`, stateLook(i.state).word, "incident", `/incidents/${i.id}`),
      ),
    },
    {
      group: "Alerts",
      actions: (firing.data?.items ?? []).map((a) =>
        action(a.id, a.title, `${a.name} · ${stateLook(a.state).word}`, "bell", `/alerts/${a.id}`),
      ),
    },
    {
      group: "Rules",
      actions: (all.data?.items ?? []).map((r) =>
        action(
          `rule-${r.id}`,
          r.name,
          `${r.group} · ${stateLook(r.state).word}`,
          "rule",
          `/rules?q=${encodeURIComponent(r.name)}`,
        ),
      ),
    },
  ];
  return (
    <Spotlight
      actions={groups}
      limit={12}
      scrollable
      maxHeight={440}
      highlightQuery
      nothingFound="Nothing has that in its name."
      onSpotlightOpen={() => setOpen(true)}
      searchProps={{ leftSection: <Icon name="search" />, placeholder: "Go to a page, an incident, an alert, a rule" }}
    />
  );
}
