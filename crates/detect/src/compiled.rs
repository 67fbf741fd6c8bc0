//! A rule made ready to run: its expression analysed, its templates parsed, its timing at hand.
//!
//! Not its state: that is in `scheduler::runtime`.

use std::collections::BTreeMap;

use watchkeeper_config::model::{OnNoData, Rule, RuleGroup, RuleKind};
use watchkeeper_domain::labels::NAME;
use watchkeeper_domain::{Category, Labels, Priority, Span};
use watchkeeper_lang::go_template::{Outside, Template};

use crate::plan::Plan;
use crate::rule::RuleTiming;

/// The label that holds an alert's name.
pub(crate) const ALERT_NAME: &str = "alertname";

/// A rule, ready to run.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) rule: Rule,
    pub(crate) file: String,
    /// Why it can never run, when its expression does not parse.
    pub(crate) plan: Result<Plan, String>,
    pub(crate) timing: RuleTiming,
    labels: Vec<(String, Text)>,
    annotations: Vec<(String, Text)>,
    outside: Outside,
}

/// A template, or the text as it stands when it is none that parses.
#[derive(Debug)]
enum Text {
    Template(Template),
    Broken { text: String, reason: String },
}

impl Text {
    fn new(text: &str) -> Self {
        match Template::parse(text) {
            Ok(template) => Self::Template(template),
            Err(e) => Self::Broken { text: text.to_owned(), reason: e.to_string() },
        }
    }

    /// A failed template must not hold an alert back: the failure is told in its place, as Prometheus does.
    fn render(&self, labels: &Labels, value: f64, outside: &Outside) -> String {
        match self {
            Self::Template(template) => template
                .render_from(labels, value, outside)
                .unwrap_or_else(|e| format!("<error expanding template: {e}>")),
            Self::Broken { text, reason } => format!("<error expanding template: {reason}> {text}"),
        }
    }
}

fn texts(map: &BTreeMap<String, String>) -> Vec<(String, Text)> {
    map.iter().map(|(name, text)| (name.clone(), Text::new(text))).collect()
}

impl Compiled {
    pub(crate) fn new(group: &RuleGroup, rule: &Rule) -> Self {
        let (timing, annotations) = match &rule.kind {
            RuleKind::Recording => (RuleTiming::new(Span::ZERO, Span::ZERO), Vec::new()),
            RuleKind::Alerting { hold, keep_firing_for, annotations, .. } => {
                (RuleTiming::new(*hold, *keep_firing_for), texts(annotations))
            }
        };
        Self {
            file: group.file.clone(),
            plan: Plan::new(&rule.expr).map_err(|e| e.to_string()),
            timing,
            labels: texts(&rule.labels),
            annotations,
            outside: Outside::default(),
            rule: rule.clone(),
        }
    }

    /// The same with what its templates know of the server.
    pub(crate) fn with_outside(self, outside: Outside) -> Self {
        Self { outside, ..self }
    }

    /// What tells the rule's instances apart: a result's labels without those that the rule sets itself.
    ///
    /// Prometheus takes the alert's labels for that, so that a label with `{{ $value }}` makes a new alert at each
    /// evaluation. Here such a label keeps the value that it had when the instance began.
    pub(crate) fn identity(&self, labels: &Labels) -> Labels {
        labels.without(|name| name == NAME || name == ALERT_NAME || self.rule.labels.contains_key(name))
    }

    /// The alert's whole label set for a result.
    pub(crate) fn alert_labels(&self, result: &Labels, value: Option<f64>) -> Labels {
        let value = value.unwrap_or(f64::NAN);
        let own = self.labels.iter().map(|(name, text)| (name.clone(), text.render(result, value, &self.outside)));
        let name = [(ALERT_NAME.to_owned(), self.rule.name.clone())];
        Labels::from_pairs(
            result.iter().filter(|(n, _)| *n != NAME).map(|(n, v)| (n.to_owned(), v.to_owned())).chain(own).chain(name),
        )
    }

    /// The rendered annotations. `labels` are the alert's, which include the result's.
    pub(crate) fn annotations(&self, labels: &Labels, value: Option<f64>) -> BTreeMap<String, String> {
        let value = value.unwrap_or(f64::NAN);
        self.annotations.iter().map(|(name, text)| (name.clone(), text.render(labels, value, &self.outside))).collect()
    }

    pub(crate) fn category(&self) -> Category {
        match self.rule.kind {
            RuleKind::Alerting { category, .. } => category,
            RuleKind::Recording => Category::Application,
        }
    }

    pub(crate) fn priority(&self) -> Priority {
        match self.rule.kind {
            RuleKind::Alerting { priority, .. } => priority,
            RuleKind::Recording => Priority::Medium,
        }
    }

    pub(crate) fn on_no_data(&self) -> OnNoData {
        match self.rule.kind {
            RuleKind::Alerting { on_no_data, .. } => on_no_data,
            RuleKind::Recording => OnNoData::Ok,
        }
    }

    pub(crate) fn is_recording(&self) -> bool {
        matches!(self.rule.kind, RuleKind::Recording)
    }
}
