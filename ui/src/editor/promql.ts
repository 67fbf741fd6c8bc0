// PromQL in the editor: names and labels from this server's Prometheus API, and the server's word on what is wrong.
// Not a second parser's opinion: the library's own linter is off, since the server decides what is an expression.

import type { Completion, CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import { autocompletion } from "@codemirror/autocomplete";
import { type Diagnostic, linter } from "@codemirror/lint";
import type { Extension } from "@codemirror/state";
import { newCompleteStrategy, PromQLExtension } from "@prometheus-io/codemirror-promql";
import { checkExpression } from "./check.ts";

/** Where completion gets metric names and labels. */
const REMOTE = { url: window.location.origin, httpMethod: "GET" as const };
/** How long typing rests before the server is asked. */
export const REST_MS = 350;

const strategy = newCompleteStrategy({ remote: REMOTE });

/** What can stand at a place of an expression. */
export function completePromql(context: CompletionContext): Promise<CompletionResult | null> | CompletionResult | null {
  return strategy.promQL(context);
}

/** What is wrong with an expression, at its places. */
export async function expressionProblems(expr: string): Promise<Diagnostic[]> {
  if (expr.trim() === "") return [];
  const { problems, mismatches } = await checkExpression(expr);
  const wrong = problems.map(({ start, end, message }): Diagnostic => {
    const from = Math.min(start, expr.length);
    return { from, to: Math.min(Math.max(end, from + 1), expr.length), severity: "error", message };
  });
  const never = mismatches.map(({ selector, reason }): Diagnostic => {
    const name = selector.replace(/\{.*$/s, "");
    const at = Math.max(0, expr.indexOf(name));
    return { from: at, to: Math.min(at + name.length, expr.length), severity: "warning", message: reason };
  });
  return [...wrong, ...never];
}

/** An editor of one expression. */
export function promql(): Extension {
  const language = new PromQLExtension().activateCompletion(false).activateLinter(false);
  return [
    language.asExtension(),
    autocompletion({ override: [completePromql], icons: false, closeOnBlur: true }),
    linter((view) => expressionProblems(view.state.doc.toString()), { delay: REST_MS }),
  ];
}

export type { Completion };
