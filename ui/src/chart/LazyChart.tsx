// The chart, loaded when a page first shows one: the first screen needs none.

import { Skeleton } from "@mantine/core";
import { type ComponentProps, lazy, Suspense } from "react";

const TimeSeriesChart = lazy(() => import("./TimeSeriesChart.tsx"));

export function Chart(props: ComponentProps<typeof TimeSeriesChart>) {
  return (
    <Suspense fallback={<Skeleton height={props.height ?? 260} />}>
      <TimeSeriesChart {...props} />
    </Suspense>
  );
}
