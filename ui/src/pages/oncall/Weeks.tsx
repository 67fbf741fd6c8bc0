// The calendar: weeks, who is on call in them, and each layer below. Dragging over the answer picks a time to take over.

import { Box, Stack, Text } from "@mantine/core";
import { type PointerEvent, useRef, useState } from "react";
import { useUtc } from "../../app/preferences.ts";
import { useNow } from "../../app/useNow.ts";
import { absolute, clockDate } from "../../format/time.ts";
import type { Calendar, Shift } from "./api.ts";
import "./oncall.css";
import { colourOf, picked, type Stretch, type Week, within } from "./timeline.ts";

/** A press that moves less than this is a click. */
const CLICK_PX = 4;
const NAMES = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

type Props = {
  calendar: Calendar;
  weeks: Week[];
  /** A time was picked; by clicking on a shift, with whose it is. */
  onPick: (time: Stretch, shift?: Shift) => void;
};

export function Weeks({ calendar, weeks, onPick }: Props) {
  return (
    <Stack gap="md">
      {weeks.map((week) => (
        <WeekBlock key={week.from} calendar={calendar} week={week} onPick={onPick} />
      ))}
    </Stack>
  );
}

function WeekBlock({ calendar, week, onPick }: { calendar: Calendar; week: Week; onPick: Props["onPick"] }) {
  const utc = useUtc();
  const day = (at: number) => clockDate(at, utc);
  return (
    <Box component="section" aria-label={`Week from ${day(week.from)}`}>
      <div className="wk-days" aria-hidden="true">
        {week.days.map((at, n) => (
          <Text key={at} size="xs" c="dimmed" truncate>
            {NAMES[n]} {day(at).slice(8)}.{day(at).slice(5, 7)}.
          </Text>
        ))}
      </div>
      <PickLane calendar={calendar} week={week} onPick={onPick} />
      {calendar.layers.map((layer) => (
        <Box key={layer.layer} mt={2}>
          <Text size="xs" c="dimmed" truncate>
            {layer.layer}
          </Text>
          <div className="wk-lane" data-thin>
            {layer.shifts.map((shift) => (
              <Block key={shift.from} shift={shift} week={week} />
            ))}
          </div>
        </Box>
      ))}
    </Box>
  );
}

function PickLane({ calendar, week, onPick }: { calendar: Calendar; week: Week; onPick: Props["onPick"] }) {
  const lane = useRef<HTMLDivElement | null>(null);
  const start = useRef<{ x: number; share: number } | null>(null);
  const [time, setTime] = useState<Stretch | null>(null);
  const now = useNow();
  const share = (event: PointerEvent) => {
    const box = (lane.current as HTMLDivElement).getBoundingClientRect();
    return (event.clientX - box.left) / box.width;
  };
  const moment = within({ from: now, until: now + 1 }, week);
  const chosen = time && within(time, week);
  return (
    <div
      ref={lane}
      className="wk-lane"
      data-pick
      onPointerDown={(event) => {
        if (event.button === 0) start.current = { x: event.clientX, share: share(event) };
      }}
      onPointerMove={(event) => {
        const from = start.current;
        if (!from || (!time && Math.abs(event.clientX - from.x) < CLICK_PX)) return;
        if (!time) lane.current?.setPointerCapture(event.pointerId);
        setTime(picked(week, from.share, share(event)));
      }}
      onPointerUp={() => {
        start.current = null;
        if (time) onPick(time);
        setTime(null);
      }}
      onPointerCancel={() => {
        start.current = null;
        setTime(null);
      }}
    >
      {calendar.gaps.map((gap) => (
        <Gap key={gap.from} gap={gap} week={week} />
      ))}
      {calendar.shifts.map((shift) => (
        <Block key={shift.from} shift={shift} week={week} onPick={onPick} />
      ))}
      {chosen && <div className="wk-picked" style={{ left: `${chosen.left}%`, width: `${chosen.width}%` }} />}
      {moment && <div className="wk-moment" style={{ left: `${moment.left}%` }} />}
    </div>
  );
}

function Gap({ gap, week }: { gap: { from: string; until: string }; week: Week }) {
  const utc = useUtc();
  const [from, until] = [Date.parse(gap.from), Date.parse(gap.until)];
  const place = within({ from, until }, week);
  if (!place) return null;
  const title = `Nobody is on call from ${absolute(from, utc)} to ${absolute(until, utc)}`;
  return (
    <div className="wk-gap" title={title} style={{ left: `${place.left}%`, width: `${place.width}%` }}>
      <span className="wk-sr">{title}</span>
    </div>
  );
}

function Block({ shift, week, onPick }: { shift: Shift; week: Week; onPick?: Props["onPick"] }) {
  const utc = useUtc();
  const [from, until] = [Date.parse(shift.from), Date.parse(shift.until)];
  const place = within({ from, until }, week);
  if (!place) return null;
  const colour = colourOf(shift.person);
  const common = {
    className: "wk-shift",
    title: `${shift.person}, from ${absolute(from, utc)} to ${absolute(until, utc)} (${shift.layer ?? "override"})`,
    "data-override": shift.override_id ? true : undefined,
    style: {
      left: `${place.left}%`,
      width: `${place.width}%`,
      "--wk-shift": `var(--mantine-color-${colour}-6)`,
      "--wk-shift-light": `var(--mantine-color-${colour}-light)`,
    },
  };
  const words = (
    <>
      {shift.person}
      <span className="wk-sr">
        {" "}
        from {absolute(from, utc)} to {absolute(until, utc)}
        {shift.override_id && ", an override"}
      </span>
    </>
  );
  if (!onPick) return <div {...common}>{words}</div>;
  return (
    <button type="button" {...common} onClick={() => onPick({ from, until }, shift)}>
      {words}
    </button>
  );
}
