// The text editor of expressions and rule groups: CodeMirror in the console's colours, with what is wrong underlined.
// Not a language: `promql.ts` and `ruleGroup.ts` bring those.

import { closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { bracketMatching, indentOnInput } from "@codemirror/language";
import { lintKeymap } from "@codemirror/lint";
import { Compartment, EditorState, type Extension } from "@codemirror/state";
import { EditorView, keymap, lineNumbers, placeholder as placeholderText } from "@codemirror/view";
import { useComputedColorScheme } from "@mantine/core";
import { useEffect, useRef } from "react";
import { theme } from "./theme.ts";

type Props = {
  value: string;
  onChange: (value: string) => void;
  /** What the editor is called, for those who cannot see it. */
  label: string;
  /** Made once: a new value does not change a running editor. */
  language: Extension;
  placeholder?: string;
  /** Enter runs; Shift+Enter breaks the line. Without it, Enter breaks the line. */
  onRun?: (value: string) => void;
  /** The line of the cursor, from 1. */
  onLine?: (line: number) => void;
  numbered?: boolean;
  minHeight?: number;
  readOnly?: boolean;
};

export default function CodeEditor(props: Props) {
  const { value, label, language, placeholder, numbered = false, minHeight = 60, readOnly = false } = props;
  const frame = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const latest = useRef(props);
  const dark = useComputedColorScheme("light") === "dark";
  const colors = useRef(new Compartment());

  useEffect(() => {
    latest.current = props;
  });

  // biome-ignore lint/correctness/useExhaustiveDependencies: the editor lives as long as the page; what changes is told to it below
  useEffect(() => {
    if (!frame.current) return;
    const run = (target: EditorView) => {
      const { onRun } = latest.current;
      onRun?.(target.state.doc.toString());
      return onRun !== undefined;
    };
    const made = new EditorView({
      parent: frame.current,
      state: EditorState.create({
        doc: value,
        extensions: [
          language,
          history(),
          bracketMatching(),
          closeBrackets(),
          indentOnInput(),
          numbered ? lineNumbers() : [],
          placeholder ? placeholderText(placeholder) : [],
          EditorView.lineWrapping,
          EditorState.readOnly.of(readOnly),
          EditorState.tabSize.of(2),
          EditorView.contentAttributes.of({ "aria-label": label, "data-search": "" }),
          // Completion has Enter before this when its list is open.
          keymap.of([
            ...completionKeymap,
            { key: "Enter", run },
            { key: "Mod-Enter", run },
            ...closeBracketsKeymap,
            ...defaultKeymap,
            ...historyKeymap,
            ...lintKeymap,
            // Esc, then Tab leaves the editor.
            ...(numbered ? [indentWithTab] : []),
          ]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) latest.current.onChange(update.state.doc.toString());
            if (update.docChanged || update.selectionSet) {
              latest.current.onLine?.(update.state.doc.lineAt(update.state.selection.main.head).number);
            }
          }),
          colors.current.of(theme(dark, minHeight)),
        ],
      }),
    });
    view.current = made;
    return () => {
      made.destroy();
      view.current = null;
    };
  }, []);

  useEffect(() => {
    view.current?.dispatch({ effects: colors.current.reconfigure(theme(dark, minHeight)) });
  }, [dark, minHeight]);

  useEffect(() => {
    const editor = view.current;
    const now = editor?.state.doc.toString();
    if (editor && now !== value) editor.dispatch({ changes: { from: 0, to: now?.length ?? 0, insert: value } });
  }, [value]);

  return <div ref={frame} className="wk-editor" />;
}
