// The one chart of the console: lines over time, a threshold, shaded spans, a readout under the cursor.
// Not a dashboard: one chart, one question.

import { Text, useComputedColorScheme } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { type PointerEvent, type RefObject, useEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useUtc } from "../app/preferences.ts";
import { quantity } from "../format/number.ts";
import { absolute, clock } from "../format/time.ts";
import { lineColor } from "./colors.ts";
import { chartOptions } from "./options.ts";
import { align, type ChartLine, type ChartMark, type ChartSpan, describe } from "./transform.ts";

type Props = {
  title: string;
  lines: ChartLine[];
  start: number;
  end: number;
  unit?: string | null;
  threshold?: number | null;
  /** The sign between value and threshold, for example `>`. */
  comparison?: string | null;
  spans?: ChartSpan[];
  /** Pairs of lines, by place, between which the chart is shaded. */
  bands?: [upper: number, lower: number][];
  /** What changed in this time. */
  marks?: ChartMark[];
  height?: number;
  /** Dragging over the chart chooses a time range. */
  onZoom?: (start: number, end: number) => void;
  /** Dragging the threshold's line moves it. */
  onThreshold?: (value: number) => void;
};

const NO_SPANS: ChartSpan[] = [];
const NO_MARKS: ChartMark[] = [];
/** More marks than this are drawn and not listed. */
const LISTED_MARKS = 5;
/** More lines than this make the legend longer than the chart. */
const LEGEND_LINES = 20;

export default function TimeSeriesChart(props: Props) {
  const { title, lines, start, end, unit, threshold, comparison, spans = NO_SPANS, height = 260, onZoom } = props;
  const { onThreshold, bands, marks = NO_MARKS } = props;
  const { ref: frame, width } = useElementSize();
  const target = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const zoom = useRef(onZoom);
  const [cursor, setCursor] = useState<number | null>(null);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const dark = useComputedColorScheme("light") === "dark";
  const utc = useUtc();
  const data = useMemo(() => align(lines), [lines]);
  const canZoom = onZoom !== undefined;

  useEffect(() => {
    zoom.current = onZoom;
  });

  useEffect(() => {
    if (!target.current || width === 0) return;
    const made = new uPlot(
      chartOptions({
        lines,
        spans,
        marks,
        start,
        end,
        threshold,
        comparison,
        bands,
        utc,
        dark,
        width,
        height,
        hidden,
        format: (value) => quantity(value, unit),
        onCursor: setCursor,
        onZoom: canZoom ? (from, to) => zoom.current?.(from, to) : undefined,
      }),
      data as uPlot.AlignedData,
      target.current,
    );
    plot.current = made;
    return () => made.destroy();
  }, [
    lines,
    spans,
    marks,
    start,
    end,
    threshold,
    comparison,
    bands,
    utc,
    dark,
    width,
    height,
    hidden,
    unit,
    data,
    canZoom,
  ]);

  const toggle = (name: string) => {
    const next = new Set(hidden);
    if (!next.delete(name)) next.add(name);
    setHidden(next);
  };
  const drag = useThresholdDrag(plot, threshold, onThreshold);
  const at = cursor === null ? undefined : data[0][cursor];
  const empty = lines.every((line) => line.points.every(([, value]) => value === null));

  return (
    <figure className="wk-chart" style={{ margin: 0 }}>
      <div ref={frame} {...drag}>
        <div
          ref={target}
          role="img"
          aria-label={describe(title, lines, spans, (value) => quantity(value, unit), threshold)}
          style={{ minHeight: height }}
        />
      </div>
      <figcaption className="wk-readout">
        <Text span inherit c="dimmed" className="wk-number">
          {at === undefined ? (empty ? "No data in this window" : "Last value") : clock(at * 1_000, utc)}
        </Text>
        {lines.slice(0, LEGEND_LINES).map((line, index) => {
          const value = cursor === null ? last(line) : data[index + 1]?.[cursor];
          return (
            <button
              type="button"
              key={line.name}
              aria-pressed={!hidden.has(line.name)}
              onClick={() => toggle(line.name)}
              title={`${line.name}: show or hide`}
            >
              <span className="wk-swatch" style={{ background: lineColor(index, dark) }} />
              <span className="wk-wrap">{line.name}</span>
              <b className="wk-number">{quantity(value, unit)}</b>
            </button>
          );
        })}
        {lines.length > LEGEND_LINES && (
          <Text span inherit c="dimmed">
            and {lines.length - LEGEND_LINES} more
          </Text>
        )}
      </figcaption>
      {marks.length > 0 && (
        <Text
          size="xs"
          c="dimmed"
          component="ul"
          className="wk-wrap"
          style={{ margin: 0, listStyle: "none", padding: 0 }}
        >
          {marks.slice(0, LISTED_MARKS).map((mark) => (
            <li key={`${mark.at} ${mark.word}`}>
              ▴ {clock(mark.at, utc)} {mark.word}
            </li>
          ))}
          {marks.length > LISTED_MARKS && <li>and {marks.length - LISTED_MARKS} more changes</li>}
        </Text>
      )}
      <span className="wk-sr">
        From {absolute(start, utc)} to {absolute(end, utc)}.
      </span>
    </figure>
  );
}

/** How near to the line a press counts as a press on it, in pixels. */
const GRIP = 10;

/** Lets the threshold's line be dragged up and down. Sliders do the same for those who have no pointer. */
function useThresholdDrag(
  plot: RefObject<uPlot | null>,
  threshold: number | null | undefined,
  onThreshold: ((value: number) => void) | undefined,
) {
  const dragging = useRef(false);
  if (!onThreshold || threshold === null || threshold === undefined) return {};
  const place = (event: PointerEvent) => {
    const top = plot.current?.over.getBoundingClientRect().top;
    return top === undefined ? undefined : event.clientY - top;
  };
  return {
    style: { touchAction: "pan-y" },
    onPointerDown: (event: PointerEvent<HTMLDivElement>) => {
      const y = place(event);
      if (y === undefined || !plot.current || Math.abs(plot.current.valToPos(threshold, "y") - y) > GRIP) return;
      dragging.current = true;
      event.currentTarget.setPointerCapture(event.pointerId);
    },
    onPointerMove: (event: PointerEvent<HTMLDivElement>) => {
      const y = place(event);
      if (dragging.current && y !== undefined && plot.current) onThreshold(plot.current.posToVal(y, "y"));
    },
    onPointerUp: () => {
      dragging.current = false;
    },
    onPointerCancel: () => {
      dragging.current = false;
    },
  };
}

function last(line: ChartLine): number | null {
  return line.points.findLast(([, value]) => value !== null)?.[1] ?? null;
}
