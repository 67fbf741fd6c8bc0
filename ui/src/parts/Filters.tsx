// Filters above a list. They live in the address, so that a filtered list can be pasted into a chat.

import { Group, MultiSelect, Select, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { useEffect, useState } from "react";
import { Icon } from "./icons.tsx";

type Option = { value: string; label: string };
export const optionsOf = (words: readonly string[], label: (word: string) => string): Option[] =>
  words.map((value) => ({ value, label: label(value) }));

type Choice = {
  label: string;
  value: string | undefined;
  options: Option[];
  onChange: (value: string | undefined) => void;
};

/** Several words, comma-separated in the address. */
export function ManyFilter({ label, value, options, onChange }: Choice) {
  return (
    <MultiSelect
      aria-label={label}
      placeholder={value ? undefined : label}
      data={options}
      value={value?.split(",") ?? []}
      onChange={(words) => onChange(words.length > 0 ? words.join(",") : undefined)}
      clearable
      size="xs"
      miw={150}
    />
  );
}

export function OneFilter({ label, value, options, onChange, always = false }: Choice & { always?: boolean }) {
  return (
    <Select
      aria-label={label}
      placeholder={label}
      data={options}
      value={value ?? null}
      onChange={(word) => onChange(word ?? undefined)}
      clearable={!always}
      allowDeselect={!always}
      searchable={!always}
      size="xs"
      w={170}
    />
  );
}

/** A text filter; it takes effect when the typing pauses. `/` puts the cursor here. */
export function TextFilter({
  label,
  value,
  onChange,
  primary = true,
}: {
  label: string;
  value: string | undefined;
  onChange: (value: string | undefined) => void;
  primary?: boolean;
}) {
  const [text, setText] = useState(value ?? "");
  const later = useDebouncedCallback((next: string) => onChange(next === "" ? undefined : next), 250);
  useEffect(() => setText(value ?? ""), [value]);
  return (
    <TextInput
      aria-label={label}
      placeholder={label}
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value);
        later(event.currentTarget.value);
      }}
      leftSection={<Icon name="search" size={14} />}
      data-search={primary || undefined}
      size="xs"
      w={{ base: "100%", xs: 240 }}
    />
  );
}

export function FilterBar({ children }: { children: React.ReactNode }) {
  return (
    <Group gap="xs" role="search" className="wk-filters">
      {children}
    </Group>
  );
}
