//! Rules as detection reads them: Prometheus rule groups with Watchkeeper's additions.
//!
//! Not evaluation: expressions were parsed once to be checked, and are kept as text.

use std::collections::BTreeMap;

use watchkeeper_domain::{Category, Priority, Span};

/// Rules that are evaluated together, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleGroup {
    /// Unique in its file.
    pub name: String,
    /// The file it came from, for people.
    pub file: String,
    /// The longest time between two evaluations; none: `evaluation.interval`.
    pub interval: Option<Span>,
    /// The most alerts or series that one of its rules may have; 0 for any number. With more, nobody can tell.
    pub limit: usize,
    /// How far before the moment of an evaluation its rules look, for data that comes late.
    pub query_offset: Span,
    /// The rules.
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// `group/name`, with numbers where those are there already; unique. A recording rule's name is its metric.
    pub id: String,
    /// Alert name or metric name.
    pub name: String,
    /// PromQL.
    pub expr: String,
    /// What it does.
    pub kind: RuleKind,
    /// Labels that it adds; values may be templates in alerting rules.
    pub labels: BTreeMap<String, String>,
    /// Line of the rule in its file, for people.
    pub line: usize,
}

/// Alerting or recording.
#[derive(Debug, Clone, PartialEq)]
pub enum RuleKind {
    /// Writes the result as a new series.
    Recording,
    /// Raises alerts.
    Alerting {
        /// How long the condition must hold.
        hold: Span,
        /// How long it goes on firing after the condition ended.
        keep_firing_for: Span,
        /// Templates.
        annotations: BTreeMap<String, String>,
        /// What it is about. From `category:`, else the label `category`, else `application`.
        category: Category,
        /// How bad it is. From `priority:`, else the labels `priority` or `severity`, else `medium`.
        priority: Priority,
        /// What missing data means.
        on_no_data: OnNoData,
        /// What its labels and annotations are written in.
        templates: TemplateLanguage,
    },
}

/// What the templates of a rule are written in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TemplateLanguage {
    /// Go's, as in Prometheus. The default.
    #[default]
    Go,
    /// Jinja, as in workflows.
    Jinja,
}

/// What it means when the expression's series do not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnNoData {
    /// Nobody knows: shown as unknown, resolves nothing. The default.
    Unknown,
    /// All is well.
    Ok,
    /// That alone is the alert.
    Firing,
}
