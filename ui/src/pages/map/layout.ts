// Where the nodes of the map stand: callers to the left of those they call, in columns, after Sugiyama, Tagawa and Toda
// (1981). Pure; circles of calls have a place too.

import type { MapEdge, MapNode } from "../../api/types.ts";

export const NODE = { width: 190, height: 62 };
const GAP = { x: 130, y: 30, through: 44 };

export type Placed = { node: MapNode; x: number; y: number };
export type Line = { edge: MapEdge; path: string; label: { x: number; y: number }; back?: boolean };
export type Drawing = { nodes: Placed[]; lines: Line[]; width: number; height: number };

/** The column of each node: one more than its furthest caller. A call that closes a circle does not count. */
export function columns(nodes: MapNode[], edges: MapEdge[]): Map<string, number> {
  const calls = new Map<string, string[]>(nodes.map((node) => [node.name, []]));
  for (const edge of edges) if (edge.from !== edge.to) calls.get(edge.from)?.push(edge.to);
  const called = new Set(edges.filter((edge) => edge.from !== edge.to).map((edge) => edge.to));
  const column = new Map<string, number>();
  const finished: string[] = [];
  const forward = new Map<string, string[]>();
  const state = new Map<string, "open" | "done">();
  const names = nodes.map((node) => node.name);
  // Those that nobody calls first, so that a circle is entered where its callers enter it.
  for (const start of [...names.filter((name) => !called.has(name)), ...names]) {
    if (state.has(start)) continue;
    const stack: { name: string; next: number }[] = [{ name: start, next: 0 }];
    state.set(start, "open");
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const to = (calls.get(top.name) ?? [])[top.next++];
      if (to === undefined) {
        state.set(top.name, "done");
        finished.push(top.name);
        stack.pop();
        continue;
      }
      if (state.get(to) === "open" || !calls.has(to)) continue;
      forward.set(top.name, [...(forward.get(top.name) ?? []), to]);
      if (!state.has(to)) {
        state.set(to, "open");
        stack.push({ name: to, next: 0 });
      }
    }
  }
  for (const name of finished.toReversed()) {
    const own = column.get(name) ?? 0;
    column.set(name, own);
    for (const to of forward.get(name) ?? []) column.set(to, Math.max(column.get(to) ?? 0, own + 1));
  }
  return column;
}

/** What a column holds: nodes, and the places where lines to columns further on go through. */
type Item = { key: string; node?: MapNode; from: string[] };

const heightOf = (item: Item) => (item.node ? NODE.height + GAP.y : GAP.through);
const through = (edge: MapEdge, column: number) => `${edge.from}\n${edge.to}\n${column}`;

/** Within a column, items stand beside the middle of where their lines come from, so that lines cross less. */
export function arrangeMap(nodes: MapNode[], edges: MapEdge[]): Drawing {
  const column = columns(nodes, edges);
  const byColumn: Item[][] = [];
  const put = (at: number, item: Item) => {
    byColumn[at] = [...(byColumn[at] ?? []), item];
  };
  // A line that passes a column has a place in it, or it would pass through a node.
  const stations = new Map<MapEdge, string[]>();
  for (const edge of edges) {
    const [from, to] = [column.get(edge.from), column.get(edge.to)];
    if (from === undefined || to === undefined) continue;
    const passed = Array.from({ length: Math.max(0, to - from - 1) }, (_, i) => through(edge, from + 1 + i));
    stations.set(edge, [edge.from, ...passed, edge.to]);
    for (const [i, key] of passed.entries()) put(from + 1 + i, { key, from: [passed[i - 1] ?? edge.from] });
  }
  for (const node of nodes) {
    const before = edges.flatMap((edge) => (edge.to === node.name ? (stations.get(edge)?.at(-2) ?? []) : []));
    put(column.get(node.name) ?? 0, { key: node.name, node, from: before });
  }
  const height = Math.max(...byColumn.map((items) => items.reduce((sum, item) => sum + heightOf(item), 0)), 1);
  const middle = new Map<string, number>();
  const left = (at: number) => at * (NODE.width + GAP.x);
  for (const items of byColumn) {
    const pull = (item: Item) => {
      const known = item.from.flatMap((key) => middle.get(key) ?? []);
      return known.length === 0 ? 0 : known.reduce((sum, y) => sum + y, 0) / known.length;
    };
    const order = items
      .map((item) => ({ item, pull: pull(item) }))
      .sort((a, b) => a.pull - b.pull || a.item.key.localeCompare(b.item.key));
    let y = (height - items.reduce((sum, item) => sum + heightOf(item), 0)) / 2;
    for (const { item } of order) {
      middle.set(item.key, y + heightOf(item) / 2);
      y += heightOf(item);
    }
  }
  const placed = nodes.map(
    (node): Placed => ({
      node,
      x: left(column.get(node.name) ?? 0),
      y: (middle.get(node.name) ?? 0) - NODE.height / 2,
    }),
  );
  const lines = [...stations].map(([edge, keys]) =>
    line(
      edge,
      keys.map((key, i) => ({ x: left((column.get(edge.from) ?? 0) + i), y: middle.get(key) ?? 0 })),
      left(column.get(edge.to) ?? 0),
    ),
  );
  // A line back to the left goes around the right end.
  const width = left(byColumn.length) - GAP.x + (lines.some((l) => l.back) ? 62 : 0);
  return { nodes: placed, lines, width, height };
}

type Point = { x: number; y: number };

/** From the right side of the first station, through those between, to the left side of the last; back to the right side of what stands to the left. */
function line(edge: MapEdge, stations: Point[], targetX: number): Line {
  const [first, last] = [stations[0] as Point, stations.at(-1) as Point];
  const start = { x: first.x + NODE.width, y: first.y };
  if (targetX <= first.x) {
    const end = { x: targetX + NODE.width, y: last.y };
    const out = Math.max(start.x, end.x) + 60;
    return {
      edge,
      path: `M${start.x} ${start.y} C${out} ${start.y} ${out} ${end.y} ${end.x} ${end.y}`,
      label: { x: out - 15, y: (start.y + end.y) / 2 },
      back: true,
    };
  }
  let path = `M${start.x} ${start.y}`;
  let at = start;
  for (const [i, station] of stations.slice(1).entries()) {
    const half = GAP.x / 2;
    path += ` C${at.x + half} ${at.y} ${station.x - half} ${station.y} ${station.x} ${station.y}`;
    at = station;
    if (i < stations.length - 2) {
      at = { x: station.x + NODE.width, y: station.y };
      path += ` L${at.x} ${at.y}`;
    }
  }
  // Nearer to the next station than to the start: from there, lines part.
  const next = stations[1] as Point;
  return { edge, path, label: { x: start.x + GAP.x * 0.55, y: start.y + (next.y - start.y) * 0.62 } };
}
