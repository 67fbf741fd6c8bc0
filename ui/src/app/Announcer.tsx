// Says aloud, to those who listen instead of look, when what is wrong changes.

import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { overview } from "../api/queries.ts";
import { plural } from "../format/number.ts";

export function Announcer() {
  const { data } = useQuery(overview());
  const [text, setText] = useState("");
  const before = useRef<string | null>(null);
  const summary = data
    ? `${plural(data.incidents.length, "open incident")}, ${plural(data.alerts.length, "alert")} without incident, ${plural(data.unknown_rules.length, "unknown rule")}`
    : null;
  useEffect(() => {
    if (summary === null) return;
    // The first reading is the page itself, not news.
    if (before.current !== null && before.current !== summary) setText(summary);
    before.current = summary;
  }, [summary]);
  return (
    <div className="wk-sr" aria-live="polite" role="status">
      {text}
    </div>
  );
}
