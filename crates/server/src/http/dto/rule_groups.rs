//! Rule groups as texts: those of files, and those that people write in the console or over the API.
//!
//! Not rules as they run: `dto::rules` has those.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Time;
use super::rules::RuleOrigin;

list! {
    /// Rule groups, those of files first, in the order in which they are read; then stored ones, by name.
    RuleGroupList of RuleGroup;
    /// Versions, the newest first.
    RuleGroupVersionList of RuleGroupVersion;
}

/// One rule group.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RuleGroup {
    /// Its name.
    pub name: String,
    /// Where it comes from. Groups of files are changed in their file.
    pub origin: RuleOrigin,
    /// The file, for one of a file.
    pub file: Option<String>,
    /// Whether it is evaluated.
    pub enabled: bool,
    /// How many rules it has.
    pub rules: u64,
    /// The number of its newest version, for a stored one.
    pub version: Option<i64>,
    /// When that was made.
    pub changed_at: Option<Time>,
    /// By whom.
    pub changed_by: Option<String>,
    /// Why, in their words. Hostile text.
    pub reason: Option<String>,
    /// The text, for a stored one: a rule file with this group in it.
    pub source: Option<String>,
    /// Why a stored group cannot be read any more; it is not evaluated then.
    pub problems: Vec<RuleProblem>,
}

/// Something that is wrong with a text, or worth a look.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RuleProblem {
    /// The problem's code.
    pub code: String,
    /// `error` or `warning`.
    pub severity: String,
    /// From 1; 0 when it is about the text as a whole.
    pub line: u64,
    /// From 1; 0 when it is about the text as a whole.
    pub column: u64,
    /// What is wrong with what.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

/// One version of a stored group.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RuleGroupVersion {
    /// From 1, without gaps.
    pub version: i64,
    /// When.
    pub at: Time,
    /// Who.
    pub by: String,
    /// Why, in their words. Hostile text.
    pub reason: String,
    /// `created`, `edited`, `enabled`, `disabled`, `rolled_back` or `deleted`.
    pub change: String,
    /// Whether the group was evaluated from then on.
    pub enabled: bool,
    /// The text.
    pub source: String,
}

/// A group to be stored.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PutRuleGroup {
    /// A rule file with this one group in it.
    pub source: String,
    /// Why; must not be empty.
    pub reason: String,
    /// The newest version that the writer has seen, 0 for none: another one by now is a conflict. Absent: whatever it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
    /// Whether it is evaluated; absent: as before, and a new one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// A change of a group that needs no text.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ChangeRuleGroup {
    /// Why; must not be empty.
    pub reason: String,
}

/// A version to go back to.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RollBackRuleGroup {
    /// Its number.
    pub version: i64,
    /// Why; must not be empty.
    pub reason: String,
}

/// The end of a group.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DeleteRuleGroup {
    /// Why; must not be empty.
    pub reason: String,
}

/// A text to be checked; nothing is kept of it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CheckRuleGroup {
    /// A rule file with one group in it.
    pub source: String,
}

/// What a check found.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RuleGroupChecked {
    /// What is wrong, by place; a text with an error cannot be stored.
    pub problems: Vec<RuleProblem>,
    /// The group's name, when the text can be read.
    pub name: Option<String>,
    /// Its rules.
    pub rules: Vec<CheckedRule>,
}

/// One rule of a text that was checked.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CheckedRule {
    /// Its name.
    pub name: String,
    /// The line on which it stands.
    pub line: u64,
    /// Its expression.
    pub expr: String,
    /// How long its condition must hold.
    pub hold_for: Option<String>,
}

/// An expression to be checked.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CheckExpression {
    /// PromQL.
    pub expr: String,
}

/// What a check of an expression found.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ExpressionChecked {
    /// What is wrong, by place; empty for an expression.
    pub problems: Vec<ExpressionProblem>,
    /// The comparison with a number that decides it, if there is one.
    pub comparison: Option<ExpressionComparison>,
    /// Why it can have no result, over all that is stored.
    pub mismatches: Vec<super::rules::RuleMismatch>,
}

/// Something that is wrong with an expression.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ExpressionProblem {
    /// Where it begins, in UTF-16 code units, as editors count.
    pub start: u64,
    /// Where it ends.
    pub end: u64,
    /// What is wrong.
    pub message: String,
}

/// `lhs op threshold`
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ExpressionComparison {
    /// What is compared.
    pub lhs: String,
    /// `>`, `<`, `>=`, `<=`, `==` or `!=`.
    pub op: String,
    /// The number that it is compared with.
    pub threshold: f64,
}
