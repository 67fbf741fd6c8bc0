// Spans in the order and depth of a waterfall. Pure; it must survive orphans, loops and clocks that disagree.

import type { Span } from "../../api/types.ts";

export type Row = { span: Span; depth: number };
export type Layout = { rows: Row[]; total: number; start: number; services: string[]; errors: number };

/** Depth first, children by their start. A span whose parent is not here stands at the root; each is shown once. */
export function arrange(spans: Span[]): Layout {
  const byId = new Map(spans.map((span) => [span.span_id, span]));
  const children = new Map<string, Span[]>();
  const roots: Span[] = [];
  for (const span of spans.toSorted((a, b) => a.offset_us - b.offset_us)) {
    const parent = span.parent_span_id;
    if (parent && byId.has(parent) && parent !== span.span_id) {
      const siblings = children.get(parent);
      if (siblings) siblings.push(span);
      else children.set(parent, [span]);
    } else roots.push(span);
  }
  const rows: Row[] = [];
  const seen = new Set<string>();
  const visit = (first: Span) => {
    const stack: Row[] = [{ span: first, depth: 0 }];
    for (let row = stack.pop(); row; row = stack.pop()) {
      if (seen.has(row.span.span_id)) continue;
      seen.add(row.span.span_id);
      rows.push(row);
      const below = children.get(row.span.span_id) ?? [];
      for (const child of below.toReversed()) stack.push({ span: child, depth: row.depth + 1 });
    }
  };
  for (const root of roots) visit(root);
  // What is left hangs in a loop of parents: shown all the same.
  for (const span of spans) if (!seen.has(span.span_id)) visit(span);
  const start = spans.length === 0 ? 0 : Math.min(...spans.map((s) => s.offset_us));
  const end = spans.length === 0 ? 0 : Math.max(...spans.map((s) => s.offset_us + s.duration_us));
  return {
    rows,
    start,
    total: Math.max(1, end - start),
    services: [...new Set(spans.map((s) => s.service))],
    errors: spans.filter((s) => s.status === "error").length,
  };
}
