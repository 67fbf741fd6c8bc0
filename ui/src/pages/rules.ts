// Which rules a filter leaves, and in which order: what needs somebody comes first.

import type { Rule } from "../api/types.ts";
import type { RuleSearch } from "../url/search.ts";

const ORDER: Record<Rule["state"], number> = { firing: 0, unknown: 1, pending: 2, ok: 3 };

export function filterRules(rules: Rule[], { state, q }: RuleSearch): Rule[] {
  const states = state?.split(",");
  const text = q?.toLowerCase();
  return rules
    .filter((rule) => !states || states.includes(rule.state))
    .filter((rule) => !text || [rule.name, rule.group, rule.expr].some((field) => field.toLowerCase().includes(text)))
    .toSorted((a, b) => ORDER[a.state] - ORDER[b.state] || a.id.localeCompare(b.id));
}
