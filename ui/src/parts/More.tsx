// What most readers do not need at first: folded away, one click or Enter to open.

import type { ReactNode } from "react";
import { Json } from "./Labels.tsx";

export function More({ label, children }: { label: string; children: ReactNode }) {
  return (
    <details className="wk-more">
      <summary>{label}</summary>
      {children}
    </details>
  );
}

/** Facts as they are stored, folded away. */
export function MoreJson({ label, value }: { label: string; value: unknown }) {
  return (
    <More label={label}>
      <Json value={value} />
    </More>
  );
}

/** An expression on one line that opens to all of it. */
export function Expression({ text }: { text: string }) {
  return (
    <details className="wk-expression">
      <summary title={text}>{text}</summary>
    </details>
  );
}
