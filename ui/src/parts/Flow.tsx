// Steps one under the other, joined by a line: an explanation, a run, a timeline.

import type { ReactNode } from "react";
import { Icon } from "./icons.tsx";
import type { Look } from "./words.ts";

export type FlowItem = {
  key: string;
  /** The icon and the colour; the word is read out and shown on hover. */
  look: Look;
  head: ReactNode;
  aside?: ReactNode;
  body?: ReactNode;
};

export function Flow({ items, label }: { items: FlowItem[]; label: string }) {
  return (
    <ol className="wk-flow" aria-label={label}>
      {items.map(({ key, look, head, aside, body }) => {
        return (
          <li key={key}>
            <span
              className="wk-flow-dot"
              style={{ color: `var(--mantine-color-${look.color}-text)` }}
              title={look.word}
            >
              <Icon name={look.icon} size={18} />
              <span className="wk-sr">{look.word}</span>
            </span>
            <div className="wk-flow-body">
              <div className="wk-flow-head">
                <div className="wk-wrap">{head}</div>
                {aside && <div className="wk-flow-aside">{aside}</div>}
              </div>
              {body}
            </div>
          </li>
        );
      })}
    </ol>
  );
}
