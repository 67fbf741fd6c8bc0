// How uPlot draws our charts: axes, lines, the threshold and the shaded spans. Not the component: see `TimeSeriesChart`.

import type uPlot from "uplot";
import { clock, clockDate } from "../format/time.ts";
import { lineColor } from "./colors.ts";
import type { ChartLine, ChartMark, ChartSpan } from "./transform.ts";
import { valueRange } from "./transform.ts";

export type Drawing = {
  lines: ChartLine[];
  spans: ChartSpan[];
  marks: ChartMark[];
  start: number;
  end: number;
  threshold?: number | null;
  comparison?: string | null;
  /** Pairs of lines, by place, between which the chart is shaded: upper and lower edge. */
  bands?: [upper: number, lower: number][];
  format: (value: number) => string;
  utc: boolean;
  dark: boolean;
  width: number;
  height: number;
  hidden: ReadonlySet<string>;
  onCursor: (index: number | null) => void;
  onZoom?: (start: number, end: number) => void;
};

const SHADES = { firing: [224, 49, 49], pending: [245, 159, 0], unknown: [121, 80, 242] } as const;

export function chartOptions(drawing: Drawing): uPlot.Options {
  const { dark, utc, width, height, start, end, format } = drawing;
  const ink = dark ? "#95a3ae" : "#5c6770";
  const grid = { stroke: dark ? "#26333d" : "#e6eaee", width: 1 };
  const axis = { stroke: ink, grid, ticks: grid, font: "11px system-ui, sans-serif" };
  const days = end - start > 86_400_000;
  return {
    width,
    height,
    padding: [10, 20, 0, 0],
    legend: { show: false },
    cursor: { drag: { x: drawing.onZoom !== undefined, y: false }, points: { size: 6 }, focus: { prox: 24 } },
    focus: { alpha: 0.35 },
    scales: {
      x: { time: true, range: () => [start / 1_000, end / 1_000] },
      y: { range: () => valueRange(visibleValues(drawing), drawing.threshold) },
    },
    axes: [
      {
        ...axis,
        space: 80,
        values: (_, ticks) =>
          ticks.map(
            (t) =>
              (days ? `${clockDate(t * 1_000, utc).slice(5)} ` : "") +
              clock(t * 1_000, utc).slice(0, end - start < 600_000 ? 8 : 5),
          ),
      },
      { ...axis, size: 62, values: (_, ticks) => ticks.map(format) },
    ],
    series: [
      {},
      ...drawing.lines.map((line, index) => ({
        label: line.name,
        stroke: lineColor(index, dark),
        width: 1.6,
        show: !drawing.hidden.has(line.name),
        // A lone sample between two gaps would be invisible as a line.
        points: { show: line.points.length < 3, size: 5 },
      })),
    ],
    bands: (drawing.bands ?? []).map(([upper, lower]) => ({
      series: [upper + 1, lower + 1],
      fill: dark ? "rgb(116 192 252 / 0.16)" : "rgb(28 126 214 / 0.12)",
    })),
    hooks: {
      drawClear: [(plot) => drawSpans(plot, drawing)],
      draw: [(plot) => drawThreshold(plot, drawing), (plot) => drawMarks(plot, drawing)],
      setCursor: [(plot) => drawing.onCursor(plot.cursor.idx ?? null)],
      setSelect: [
        (plot) => {
          if (plot.select.width < 4) return;
          const from = plot.posToVal(plot.select.left, "x") * 1_000;
          const to = plot.posToVal(plot.select.left + plot.select.width, "x") * 1_000;
          drawing.onZoom?.(Math.round(from), Math.round(to));
        },
      ],
    },
  };
}

function visibleValues({ lines, hidden }: Drawing): number[] {
  return lines
    .filter((line) => !hidden.has(line.name))
    .flatMap((line) => line.points.flatMap(([, value]) => (value === null ? [] : [value])));
}

function drawSpans(plot: uPlot, { spans, dark }: Drawing): void {
  const { ctx, bbox } = plot;
  ctx.save();
  for (const { state, start, end } of spans) {
    const left = plot.valToPos(start / 1_000, "x", true);
    const right = plot.valToPos(end / 1_000, "x", true);
    const [r, g, b] = SHADES[state];
    ctx.fillStyle = `rgb(${r} ${g} ${b} / ${dark ? 0.2 : 0.13})`;
    ctx.fillRect(left, bbox.top, Math.max(1, right - left), bbox.height);
    // A solid edge on top, hatched by state, so that the shade is not told by its colour alone.
    ctx.strokeStyle = `rgb(${r} ${g} ${b})`;
    ctx.lineWidth = 3 * devicePixelRatio;
    ctx.setLineDash(state === "firing" ? [] : state === "pending" ? [8, 4] : [2, 4]);
    ctx.beginPath();
    ctx.moveTo(left, bbox.top + 1);
    ctx.lineTo(Math.max(left + 1, right), bbox.top + 1);
    ctx.stroke();
  }
  ctx.restore();
}

/** A dotted line with a triangle at its foot for each change, so that it is told from the grid by its form as well. */
function drawMarks(plot: uPlot, { marks, dark }: Drawing): void {
  const { ctx, bbox } = plot;
  const size = 5 * devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = dark ? "#ffd43b" : "#a66a00";
  ctx.fillStyle = ctx.strokeStyle;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
  for (const { at } of marks) {
    const x = plot.valToPos(at / 1_000, "x", true);
    const foot = bbox.top + bbox.height;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, foot);
    ctx.stroke();
    ctx.beginPath();
    ctx.moveTo(x, foot - 2 * size);
    ctx.lineTo(x + size, foot);
    ctx.lineTo(x - size, foot);
    ctx.fill();
  }
  ctx.restore();
}

function drawThreshold(plot: uPlot, { threshold, comparison, format, dark }: Drawing): void {
  if (threshold === null || threshold === undefined) return;
  const { ctx, bbox } = plot;
  const y = plot.valToPos(threshold, "y", true);
  const ink = dark ? "#ff8787" : "#c92a2a";
  ctx.save();
  ctx.strokeStyle = ink;
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.fillStyle = ink;
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textAlign = "right";
  const below = y - bbox.top < 18 * devicePixelRatio;
  ctx.textBaseline = below ? "top" : "bottom";
  ctx.fillText(`fires ${comparison ?? "at"} ${format(threshold)}`, bbox.left + bbox.width - 6, y + (below ? 4 : -4));
  ctx.restore();
}
