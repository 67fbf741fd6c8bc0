// Steps one under the other, joined by a line: an explanation, a run, a timeline.

import type { ReactNode } from "react";
import { Icon } from "./icons.tsx";
import { stateLook } from "./words.ts";

export type FlowItem = {
  key: string;
  /** A state's word: gives the icon and the colour; the word itself is read out. */
  state: string;
  head: ReactNode;
  aside?: ReactNode;
  body?: ReactNode;
};

export function Flow({ items, label }: { items: FlowItem[]; label: string }) {
  return (
    <ol className="wk-flow" aria-label={label}>
      {items.map(({ key, state, head, aside, body }) => {
        const look = stateLook(state);
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
