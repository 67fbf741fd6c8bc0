// The page of a rule group that does not exist yet; `RuleGroupPage` has the editor.

export { NewRuleGroupPage as default } from "./RuleGroupPage.tsx";
