// Whether what is on the screen is the present: live, or polled because the stream is down.

import { Badge, Tooltip } from "@mantine/core";
import { useLiveState } from "../api/connection.ts";

const LOOKS = {
  connecting: { word: "connecting", color: "gray", hint: "Opening the live connection." },
  live: { word: "live", color: "teal", hint: "Changes appear as they happen." },
  reconnecting: {
    word: "reconnecting",
    color: "orange",
    hint: "The live connection is down. The page asks every 5 seconds until it is back.",
  },
} as const;

export function LiveBadge() {
  const { word, color, hint } = LOOKS[useLiveState()];
  return (
    <Tooltip label={hint}>
      <Badge
        color={color}
        variant="light"
        role="status"
        leftSection={<span className="wk-pulse" style={{ display: "block" }} />}
      >
        {word}
      </Badge>
    </Tooltip>
  );
}
