// Moments on the page: relative to read at a glance, absolute on hover and for machines.

import { Text, Tooltip } from "@mantine/core";
import { setUtc, useUtc } from "../app/preferences.ts";
import { useNow } from "../app/useNow.ts";
import { absolute, age, clock, relative } from "../format/time.ts";

type Props = { at: string | null | undefined; missing?: string };

/** `5m ago`, with the moment on hover. */
export function When({ at, missing = "never" }: Props) {
  return <Moment at={at} missing={missing} show={relative} />;
}

/** How long something has lasted: `12m 30s`. */
export function Age({ since, until }: { since: string | null | undefined; until?: string | null }) {
  const end = until ? Date.parse(until) : null;
  return <Moment at={since} missing="–" show={(at, now) => age(at, end ?? now)} />;
}

function Moment({ at, missing, show }: Props & { show: (at: number, now: number) => string }) {
  const now = useNow();
  const utc = useUtc();
  if (!at)
    return (
      <Text span inherit c="dimmed">
        {missing}
      </Text>
    );
  const ms = Date.parse(at);
  return (
    <Tooltip label={absolute(ms, utc)}>
      <time dateTime={at} className="wk-number">
        {show(ms, now)}
      </time>
    </Tooltip>
  );
}

/** The time of day and, dimmed, how long ago. */
export function At({ at, relativeToo = true }: { at: string; relativeToo?: boolean }) {
  const now = useNow();
  const utc = useUtc();
  const ms = Date.parse(at);
  return (
    <Tooltip label={absolute(ms, utc)}>
      <time dateTime={at} className="wk-number">
        {clock(ms, utc)}
        {relativeToo && (
          <Text span inherit c="dimmed">
            {" "}
            · {relative(ms, now)}
          </Text>
        )}
      </time>
    </Tooltip>
  );
}

/** Switches all times of the page between the reader's zone and UTC. */
export function ZoneToggle() {
  const utc = useUtc();
  return (
    <Tooltip label={utc ? "Times are in UTC. Switch to your zone." : "Times are in your zone. Switch to UTC."}>
      <button type="button" className="wk-plain" onClick={() => setUtc(!utc)} aria-pressed={utc}>
        {utc ? "UTC" : "local"}
      </button>
    </Tooltip>
  );
}
