// The changes within a chart's window, as its marks.

import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { changesBetween } from "../../api/queries.ts";
import type { ChartMark } from "../../chart/transform.ts";

export function useMarks(start: number, end: number): ChartMark[] {
  const { data } = useQuery(changesBetween(start, end));
  return useMemo(
    () =>
      (data?.items ?? [])
        .map((change) => ({ at: Date.parse(change.at), word: change.title }))
        .filter(({ at }) => at >= start && at <= end),
    [data, start, end],
  );
}
