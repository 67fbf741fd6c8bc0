// Draws the map: boxes for who is there, lines for who calls whom; red where calls fail, thicker where there are more.

import { Link } from "@tanstack/react-router";
import type { MapNode, MapTiming } from "../../api/types.ts";
import { duration } from "../../format/time.ts";
import { arrangeMap, type Drawing, NODE } from "./layout.ts";

/** Calls per second in few digits. */
export function rate(perSecond: number): string {
  if (perSecond >= 10) return `${Math.round(perSecond)}/s`;
  if (perSecond >= 0.1) return `${perSecond.toFixed(1)}/s`;
  return `${(perSecond * 60).toFixed(perSecond * 60 >= 1 ? 0 : 1)}/min`;
}

export function failed({ calls, errors }: MapTiming): string {
  if (errors === 0 || calls === 0) return "";
  const share = (errors / calls) * 100;
  return share < 0.1 ? "<0.1% failed" : `${share < 10 ? share.toFixed(1) : Math.round(share)}% failed`;
}

const KIND: Record<MapNode["kind"], string> = {
  service: "",
  database: "database",
  messaging: "queue",
  external: "external",
};

const shorten = (text: string, most: number) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

export function ServiceMapDrawing({ nodes, edges }: { nodes: MapNode[]; edges: Parameters<typeof arrangeMap>[1] }) {
  const drawing = arrangeMap(nodes, edges);
  const { height } = drawing;
  const width = drawing.width + 8;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys
    <section className="wk-map" tabIndex={0} aria-label="Who calls whom; the tables below say the same">
      <svg
        viewBox={`-4 -4 ${width} ${height + 8}`}
        style={{ width: "100%", minWidth: width * 0.85, maxWidth: width }}
        role="presentation"
      >
        <defs>
          <marker
            id="wk-arrow"
            viewBox="0 0 8 8"
            refX="7"
            refY="4"
            markerWidth="9"
            markerHeight="9"
            markerUnits="userSpaceOnUse"
            orient="auto"
          >
            <path d="M0 0 8 4 0 8z" fill="context-stroke" />
          </marker>
        </defs>
        <Lines drawing={drawing} />
        {drawing.nodes.map(({ node, x, y }) => (
          <Node key={node.name} node={node} x={x} y={y} />
        ))}
      </svg>
    </section>
  );
}

function Lines({ drawing }: { drawing: Drawing }) {
  return drawing.lines.map(({ edge, path, label }) => (
    <g key={`${edge.from} ${edge.to}`} className={edge.timing.errors > 0 ? "wk-map-line wk-map-bad" : "wk-map-line"}>
      <path
        d={path}
        fill="none"
        strokeWidth={1 + Math.min(4, Math.log10(1 + edge.timing.rate) * 2)}
        markerEnd="url(#wk-arrow)"
      />
      <text x={label.x} y={label.y - 6} textAnchor="middle">
        {rate(edge.timing.rate)} · {duration(edge.timing.p95_ms)}
      </text>
      {edge.timing.errors > 0 && (
        <text x={label.x} y={label.y + 12} textAnchor="middle">
          {failed(edge.timing)}
        </text>
      )}
    </g>
  ));
}

function Node({ node, x, y }: { node: MapNode; x: number; y: number }) {
  const bad = node.timing.errors > 0;
  const box = (
    <>
      <title>{node.name}</title>
      <rect
        width={NODE.width}
        height={NODE.height}
        rx={node.kind === "database" ? 16 : 5}
        strokeDasharray={node.kind === "service" ? undefined : "4 3"}
      />
      <text x={12} y={21} className="wk-map-name">
        {shorten(node.name, 21)}
      </text>
      <text x={12} y={38}>
        {[KIND[node.kind], rate(node.timing.rate), `p95 ${duration(node.timing.p95_ms)}`].filter(Boolean).join(" · ")}
      </text>
      {bad && (
        <text x={12} y={54}>
          {failed(node.timing)}
        </text>
      )}
    </>
  );
  const className = bad ? "wk-map-node wk-map-bad" : "wk-map-node";
  return (
    <g transform={`translate(${x} ${y})`} className={className}>
      {node.kind === "service" ? (
        <Link to="/telemetry/traces" search={{ service: node.name }}>
          {box}
        </Link>
      ) : (
        box
      )}
    </g>
  );
}
