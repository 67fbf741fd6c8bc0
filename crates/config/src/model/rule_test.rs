//! Unit tests of rules, as promtool's files state them: series that come in, alerts and answers that are expected.
//!
//! Not their run: `detect::trial` does that. Texts in PromQL's notation of series are kept as they are written.

use std::collections::BTreeMap;

use watchkeeper_domain::{Labels, Span, Timestamp};

use super::RuleGroup;

/// A file of tests, with the rules that it is about.
#[derive(Debug, Clone)]
pub struct RuleTestFile {
    /// In the order in which they are evaluated.
    pub groups: Vec<RuleGroup>,
    /// How often all groups are evaluated.
    pub evaluation_interval: Span,
    /// Whether numbers may differ by the smallest step that a float can take.
    pub fuzzy_compare: bool,
    /// The tests.
    pub tests: Vec<RuleTest>,
}

/// One test: a stretch of time with its series.
#[derive(Debug, Clone)]
pub struct RuleTest {
    /// Its name, else its number.
    pub name: String,
    /// Line of the test in its file.
    pub line: usize,
    /// Time between the values of a series.
    pub interval: Span,
    /// When it begins.
    pub start: Timestamp,
    /// What comes in.
    pub input_series: Vec<InputSeries>,
    /// Which alerts are expected when.
    pub alerts: Vec<AlertCase>,
    /// Which answers are expected when.
    pub expressions: Vec<ExpressionCase>,
    /// What `$externalLabels` stands for.
    pub external_labels: Labels,
    /// What `$externalURL` stands for.
    pub external_url: String,
}

/// One series that comes in.
#[derive(Debug, Clone)]
pub struct InputSeries {
    /// `metric{label="value"}`
    pub series: String,
    /// `0+1x5 _ stale {{count:1}}`
    pub values: String,
    /// Line in the file.
    pub line: usize,
}

/// Alerts of one name that fire at one moment.
#[derive(Debug, Clone)]
pub struct AlertCase {
    /// After the test's start.
    pub at: Span,
    /// The alert's name.
    pub name: String,
    /// Labels without `alertname`, and annotations.
    pub expected: Vec<(BTreeMap<String, String>, BTreeMap<String, String>)>,
    /// Line in the file.
    pub line: usize,
}

/// An expression's answer at one moment.
#[derive(Debug, Clone)]
pub struct ExpressionCase {
    /// PromQL.
    pub expr: String,
    /// After the test's start.
    pub at: Span,
    /// The elements of the answer.
    pub expected: Vec<ExpectedSample>,
    /// Line in the file.
    pub line: usize,
}

/// One element of an answer.
#[derive(Debug, Clone)]
pub struct ExpectedSample {
    /// `metric{label="value"}`; empty for no label at all.
    pub labels: String,
    /// The number, where there is no histogram.
    pub value: f64,
    /// `{{count:1 sum:2}}`
    pub histogram: Option<String>,
}
