// A list of objects: a table on a wide screen, cards on a narrow one; `j`, `k` and Enter go through it on both.

import { Card, Checkbox, Group, Stack, Table, Text, UnstyledButton } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useCommand } from "../app/useKeys.ts";
import { Icon } from "./icons.tsx";

export type Column<T> = {
  header: string;
  cell: (item: T) => ReactNode;
  /** The first line of a card; exactly one column should say so. */
  lead?: boolean;
  /** Says all by itself: on a card it stands above the rest, without the column's name. */
  badge?: boolean;
  /** Needs the whole width of a card. */
  wide?: boolean;
  /** Numbers and ages: right-aligned, one digit under the other. */
  numeric?: boolean;
  width?: number | string;
  /** The orders that its header asks for, in turn. */
  sorts?: readonly Order[];
};

/** An order of the whole list, made by the server: its word in the address, and which way it goes. */
export type Order = { by: string; way: "ascending" | "descending" };

/** Which rows are chosen for a command about many. */
export type Selection = {
  chosen: ReadonlySet<string>;
  toggle: (key: string) => void;
  /** Chooses all of the page, or none of it. */
  toggleAll: (keys: string[]) => void;
};

type Props<T> = {
  label: string;
  items: T[];
  columns: Column<T>[];
  keyOf: (item: T) => string;
  /** Opens an item: on Enter. The row's own link does so for the mouse. */
  onOpen?: (item: T) => void;
  /** `a` and `s` on the selected row. */
  onCommand?: (command: "acknowledge" | "silence", item: T) => void;
  /** The order that the list is in, and how to ask for another one. */
  sort?: string;
  onSort?: (by: string) => void;
  selection?: Selection;
  /** What a row is called, for its checkbox. */
  nameOf?: (item: T) => string;
};

export function DataList<T>(props: Props<T>) {
  const { label, items, columns, keyOf, onOpen, onCommand, sort, onSort, selection, nameOf = keyOf } = props;
  const [selected, setSelected] = useState<string | null>(null);
  // Presses may come faster than renders: each builds on the press before it, never on what happens to be drawn.
  const chosen = useRef<string | null>(null);
  const narrow = useMediaQuery("(max-width: 48em)", false, { getInitialValueInEffect: false });
  const row = useRef<HTMLElement | null>(null);

  useCommand((command) => {
    const index = items.findIndex((item) => keyOf(item) === chosen.current);
    const item = items[index];
    if (command.kind === "move" && items.length > 0) {
      const next = Math.min(items.length - 1, Math.max(0, index < 0 ? 0 : index + command.by));
      const target = items[next];
      if (!target) return;
      chosen.current = keyOf(target);
      setSelected(chosen.current);
    } else if (item && command.kind === "open") onOpen?.(item);
    else if (item && command.kind === "select") selection?.toggle(keyOf(item));
    else if (item && (command.kind === "acknowledge" || command.kind === "silence")) onCommand?.(command.kind, item);
  });
  useEffect(() => {
    if (selected !== null) row.current?.scrollIntoView({ block: "nearest" });
  }, [selected]);

  const mark = (key: string) => ({
    "data-selected": key === selected || undefined,
    "aria-current": key === selected ? ("true" as const) : undefined,
  });
  const hold = (key: string) => (element: HTMLElement | null) => {
    if (key === selected) row.current = element;
  };

  const keys = items.map(keyOf);
  const chosenHere = selection ? keys.filter((key) => selection.chosen.has(key)).length : 0;
  const tick = (item: T) =>
    selection && (
      <Checkbox
        size="xs"
        checked={selection.chosen.has(keyOf(item))}
        onChange={() => selection.toggle(keyOf(item))}
        aria-label={`Select ${nameOf(item)}`}
      />
    );
  const tickAll = selection && (
    <Checkbox
      size="xs"
      checked={chosenHere > 0 && chosenHere === keys.length}
      indeterminate={chosenHere > 0 && chosenHere < keys.length}
      onChange={() => selection.toggleAll(keys)}
      aria-label="Select all of this page"
    />
  );

  if (narrow) {
    return (
      <Stack gap="xs">
        {tickAll && (
          <Group gap={8} px="sm">
            {tickAll}
            <Text size="xs" c="dimmed" aria-hidden>
              all of this page
            </Text>
          </Group>
        )}
        <Stack gap="xs" role="list" aria-label={label}>
          {items.map((item) => (
            <Card
              key={keyOf(item)}
              ref={hold(keyOf(item))}
              withBorder
              padding="sm"
              role="listitem"
              className="wk-row"
              {...mark(keyOf(item))}
            >
              <CardBody item={item} columns={columns} tick={tick(item)} />
            </Card>
          ))}
        </Stack>
      </Stack>
    );
  }
  return (
    <Table.ScrollContainer minWidth={640} className="wk-table">
      <Table aria-label={label}>
        <Table.Thead>
          <Table.Tr>
            {tickAll && <Table.Th w={34}>{tickAll}</Table.Th>}
            {columns.map((c) => (
              <Table.Th
                key={c.header}
                w={c.width}
                ta={c.numeric ? "right" : undefined}
                aria-sort={c.sorts && onSort ? (c.sorts.find((order) => order.by === sort)?.way ?? "none") : undefined}
              >
                {c.sorts && onSort ? (
                  <SortButton header={c.header} sorts={c.sorts} sort={sort} onSort={onSort} />
                ) : (
                  c.header
                )}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {items.map((item) => (
            <Table.Tr key={keyOf(item)} ref={hold(keyOf(item))} className="wk-row" {...mark(keyOf(item))}>
              {selection && <Table.Td>{tick(item)}</Table.Td>}
              {columns.map((c) => (
                <Table.Td
                  key={c.header}
                  ta={c.numeric ? "right" : undefined}
                  className={c.numeric ? "wk-number" : undefined}
                >
                  {c.cell(item)}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

/** A header that asks for the column's orders in turn. */
function SortButton({
  header,
  sorts,
  sort,
  onSort,
}: {
  header: string;
  sorts: readonly Order[];
  sort?: string;
  onSort: (by: string) => void;
}) {
  const at = sorts.findIndex((order) => order.by === sort);
  const next = sorts[(at + 1) % sorts.length];
  const way = sorts[at]?.way;
  return (
    <UnstyledButton className="wk-sort" onClick={() => next && onSort(next.by)}>
      {header}
      <Icon name={way === undefined ? "sortable" : way === "ascending" ? "up" : "down"} size={11} />
    </UnstyledButton>
  );
}

/** What a row says, as a card: badges, the lead, then the rest by name. */
function CardBody<T>({ item, columns, tick }: { item: T; columns: Column<T>[]; tick?: ReactNode }) {
  const cells = columns.map((column) => ({ ...column, content: column.cell(item) })).filter((c) => c.content !== null);
  const plain = (c: (typeof cells)[number]) => <div key={c.header}>{c.content}</div>;
  return (
    <>
      <Group gap={6} mb={4}>
        {tick}
        {cells.filter((c) => c.badge).map(plain)}
      </Group>
      {cells.filter((c) => c.lead).map(plain)}
      <div className="wk-card-facts">
        {cells
          .filter((c) => !c.lead && !c.badge)
          .map((c) => (
            <div key={c.header} className={c.wide ? "wk-card-wide" : "wk-card-fact"}>
              <Text size="xs" c="dimmed" className="wk-card-name">
                {c.header}
              </Text>
              <div className="wk-wrap">{c.content}</div>
            </div>
          ))}
      </div>
    </>
  );
}
