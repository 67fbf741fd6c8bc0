// Below a list: how much of it is on the page, and the way to the rest. The address says which page it is.

import { Button, Group, Text } from "@mantine/core";
import { useRouter, useRouterState } from "@tanstack/react-router";
import { count } from "../format/number.ts";
import { FIRST_PAGE, PAGE_SIZE, type PageSearch } from "../url/search.ts";
import { Icon } from "./icons.tsx";

declare module "@tanstack/react-router" {
  interface HistoryState {
    /** The entry before this one in the history is the page before this one. */
    turned?: boolean;
  }
}

type Props = {
  /** What the list holds, in the plural. */
  noun: string;
  search: PageSearch;
  shown: number;
  /** How many there are on all pages, where the server counts them. */
  total?: number;
  next: string | null | undefined;
  size?: number;
  onGo: (page: PageSearch, how: { turned: boolean }) => void;
};

export function Pager({ noun, search, shown, total, next, size = PAGE_SIZE, onGo }: Props) {
  const router = useRouter();
  const turned = useRouterState({ select: (state) => state.location.state.turned === true });
  const page = pageNumber(search);
  const first = (page - 1) * size + 1;
  const range = shown === 0 ? "none" : `${count(first)}–${count(first + shown - 1)}`;
  const rest = total !== undefined ? ` of ${count(total)} ${noun}` : ` ${noun}${next ? "; more follow" : ""}`;
  return (
    <Group justify="space-between" gap="sm" component="nav" aria-label={`Pages of ${noun}`}>
      <Text size="sm" c="dimmed" className="wk-number" role="status">
        {range}
        {rest}
      </Text>
      {(page > 1 || next) && (
        <Group gap="xs">
          {page > 1 && (
            <Button variant="default" onClick={() => onGo(FIRST_PAGE, { turned: false })}>
              First
            </Button>
          )}
          {page > 1 && turned && (
            <Button variant="default" onClick={() => router.history.back()}>
              Back
            </Button>
          )}
          <Button
            variant="default"
            disabled={!next}
            onClick={() => next && onGo({ cursor: next, page: String(page + 1) }, { turned: true })}
            rightSection={<Icon name="next" size={14} />}
          >
            Next
          </Button>
        </Group>
      )}
    </Group>
  );
}

/** The number of the page, from 1; nonsense and a number without a cursor are the first page. */
export function pageNumber({ cursor, page }: PageSearch): number {
  const number = Number(page);
  return cursor && Number.isInteger(number) && number > 1 && number < 1e6 ? number : 1;
}
