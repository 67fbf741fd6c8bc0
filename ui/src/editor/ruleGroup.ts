// A rule group in the editor: YAML, with PromQL completion where an expression stands, and the server's word on the text.

import { autocompletion, CompletionContext, type CompletionResult } from "@codemirror/autocomplete";
import { yaml } from "@codemirror/lang-yaml";
import { type Diagnostic, linter } from "@codemirror/lint";
import { EditorState, type Extension, type Text } from "@codemirror/state";
import { PromQLExtension } from "@prometheus-io/codemirror-promql";
import type { RuleGroupChecked } from "../api/types.ts";
import { checkRuleGroup } from "./check.ts";
import { expressionAt } from "./expressionAt.ts";
import { completePromql, REST_MS } from "./promql.ts";

const promqlOnly = new PromQLExtension().activateCompletion(false).activateLinter(false).asExtension();

/** Completes within the value of `expr:` as an editor of the expression alone would. */
async function complete(context: CompletionContext): Promise<CompletionResult | null> {
  const found = expressionAt(context.state.doc.toString(), context.pos);
  if (!found) return null;
  const state = EditorState.create({ doc: found.text, extensions: promqlOnly });
  const inner = new CompletionContext(state, context.pos - found.from, context.explicit);
  const result = await completePromql(inner);
  if (!result) return null;
  // Places in the expression are places in the text, so many characters further on.
  return {
    ...result,
    from: result.from + found.from,
    to: result.to === undefined ? undefined : result.to + found.from,
  };
}

/** The part of a line that a problem is about: from its column to the end of the word. */
function place(doc: Text, line: number, column: number): { from: number; to: number } {
  const at = doc.line(Math.min(Math.max(line, 1), doc.lines));
  const from = Math.min(at.from + Math.max(column - 1, 0), at.to);
  const word = /^[^\s,}\])]+/.exec(at.text.slice(from - at.from));
  return { from, to: Math.max(from + (word?.[0].length ?? 0), Math.min(from + 1, at.to)) };
}

/** An editor of a rule group. `onChecked` hears what the server found, after each rest in typing. */
export function ruleGroup(onChecked: (checked: RuleGroupChecked) => void): Extension {
  return [
    yaml(),
    autocompletion({ override: [complete], icons: false }),
    linter(
      async (view) => {
        const checked = await checkRuleGroup(view.state.doc.toString());
        onChecked(checked);
        return checked.problems.map(
          (problem): Diagnostic => ({
            ...place(view.state.doc, problem.line, problem.column),
            severity: problem.severity === "warning" ? "warning" : "error",
            message: [problem.message, problem.help].filter(Boolean).join("; "),
            source: problem.code,
          }),
        );
      },
      { delay: REST_MS },
    ),
  ];
}
