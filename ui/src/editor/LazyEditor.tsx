// The editors, loaded when a page first shows one: CodeMirror weighs as much as a page of its own.

import { Skeleton } from "@mantine/core";
import { type ComponentProps, lazy, Suspense } from "react";

const Promql = lazy(() => import("./PromqlEditor.tsx"));
const Group = lazy(() => import("./RuleGroupEditor.tsx"));

export function PromqlEditor(props: ComponentProps<typeof Promql>) {
  return (
    <Suspense fallback={<Skeleton height={62} />}>
      <Promql {...props} />
    </Suspense>
  );
}

export function RuleGroupEditor(props: ComponentProps<typeof Group>) {
  return (
    <Suspense fallback={<Skeleton height={420} />}>
      <Group {...props} />
    </Suspense>
  );
}
