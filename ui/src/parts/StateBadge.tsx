// A state or a priority as icon and word. Colour only underlines what the word says.

import { Badge, Tooltip } from "@mantine/core";
import { Icon } from "./icons.tsx";
import { type Look, priorityLook, stateLook } from "./words.ts";

function LookBadge({ look, size = "sm", filled }: { look: Look; size?: "xs" | "sm" | "md" | "lg"; filled?: boolean }) {
  return (
    <Badge
      color={look.color}
      size={size}
      variant={filled ? "filled" : "light"}
      leftSection={<Icon name={look.icon} size={12} />}
    >
      {look.word}
    </Badge>
  );
}

type Props = { size?: "xs" | "sm" | "md" | "lg"; filled?: boolean };

export function StateBadge({ state, reason, ...rest }: Props & { state: string; reason?: string | null }) {
  const badge = <LookBadge look={stateLook(state)} {...rest} />;
  return reason ? (
    <Tooltip label={reason}>
      <span>{badge}</span>
    </Tooltip>
  ) : (
    badge
  );
}

export function PriorityBadge({ priority, ...rest }: Props & { priority: string }) {
  return <LookBadge look={priorityLook(priority)} {...rest} />;
}

export function RestrictedBadge() {
  return (
    <Tooltip label="A security incident: only its responders see it, and automation may only contain.">
      <span>
        <LookBadge look={{ word: "Restricted", icon: "lock", color: "grape" }} />
      </span>
    </Tooltip>
  );
}
