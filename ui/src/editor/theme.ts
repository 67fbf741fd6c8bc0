// The editor in the console's colours. Contrast is at least 4.5 to 1 in both schemes.

import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import type { Extension } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const LIGHT = { name: "#0b5f79", text: "#2b6a1e", number: "#9c3412", word: "#7a2b8f", dim: "#5c636a" };
const DARK = { name: "#74c7e0", text: "#9fd68f", number: "#f2a97e", word: "#d3a5e6", dim: "#a6adb4" };

export function theme(dark: boolean, minHeight: number): Extension {
  const color = dark ? DARK : LIGHT;
  const look = EditorView.theme(
    {
      "&": {
        backgroundColor: "var(--mantine-color-body)",
        color: "var(--mantine-color-text)",
        border: "1px solid var(--mantine-color-default-border)",
        borderRadius: "var(--mantine-radius-sm)",
        fontSize: "13px",
      },
      "&.cm-focused": { outline: "2px solid var(--mantine-primary-color-filled)", outlineOffset: "1px" },
      ".cm-content": {
        fontFamily: "var(--mantine-font-family-monospace)",
        minHeight: `${minHeight}px`,
        caretColor: "var(--mantine-color-text)",
      },
      ".cm-cursor": { borderLeftColor: "var(--mantine-color-text)" },
      ".cm-gutters": { backgroundColor: "transparent", color: color.dim, border: "none" },
      ".cm-placeholder": { color: color.dim },
      ".cm-tooltip": {
        backgroundColor: "var(--mantine-color-body)",
        color: "var(--mantine-color-text)",
        border: "1px solid var(--mantine-color-default-border)",
        maxWidth: "min(80vw, 640px)",
      },
      ".cm-tooltip-autocomplete ul li[aria-selected]": {
        backgroundColor: "var(--mantine-primary-color-filled)",
        color: "var(--mantine-color-white)",
      },
      ".cm-completionDetail": { fontStyle: "normal", opacity: 0.8 },
      ".cm-diagnostic": { whiteSpace: "pre-wrap", overflowWrap: "anywhere" },
    },
    { dark },
  );
  const highlight = HighlightStyle.define([
    { tag: [tags.propertyName, tags.variableName, tags.definition(tags.propertyName)], color: color.name },
    { tag: [tags.string, tags.special(tags.string)], color: color.text },
    { tag: [tags.number, tags.bool, tags.null], color: color.number },
    { tag: [tags.keyword, tags.modifier, tags.function(tags.variableName), tags.operatorKeyword], color: color.word },
    { tag: [tags.comment, tags.lineComment], color: color.dim, fontStyle: "italic" },
  ]);
  return [look, syntaxHighlighting(highlight)];
}
