// Asks the server what is wrong with a text. Used while typing: a failed request says nothing about the text.

import { api, take } from "../api/client.ts";
import type { ExpressionChecked, RuleGroupChecked } from "../api/types.ts";

const V1 = "/api/watchkeeper/v1";

export const checkExpression = async (expr: string): Promise<ExpressionChecked> => {
  try {
    return await take(api.POST(`${V1}/expressions/check`, { body: { expr } }));
  } catch {
    return { problems: [], mismatches: [] };
  }
};

export const checkRuleGroup = async (source: string): Promise<RuleGroupChecked> => {
  try {
    return await take(api.POST(`${V1}/rule-groups/check`, { body: { source } }));
  } catch {
    return { problems: [], rules: [] };
  }
};
