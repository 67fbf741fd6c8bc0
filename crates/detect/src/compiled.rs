//! A rule made ready to run: its expression analysed, its templates parsed, its timing at hand.
//!
//! Not its state: that is in `scheduler::runtime`.

use std::collections::BTreeMap;

use watchkeeper_config::model::{OnNoData, Rule, RuleGroup, RuleKind, TemplateLanguage};
use watchkeeper_domain::labels::NAME;
use watchkeeper_domain::query::Query;
use watchkeeper_domain::{Category, Labels, Priority, Span, Timestamp};
use watchkeeper_lang::go_template::{Answers, Outside, Scope};

use crate::judge::Seen;
use crate::plan::Plan;
use crate::rule::{Observation, RuleTiming};
use crate::texts::{self, Texts};

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
    /// The most alerts or series that it may have; 0 for any number.
    limit: usize,
    /// How far before the moment of an evaluation it looks.
    query_offset: Span,
    labels: Texts,
    annotations: Texts,
    outside: Outside,
}

/// When something is rendered, and with which answers to the queries of templates.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rendering<'a> {
    pub(crate) at: Timestamp,
    pub(crate) answers: &'a Answers,
}

impl Compiled {
    pub(crate) fn new(group: &RuleGroup, rule: &Rule) -> Self {
        let (timing, annotations, language) = match &rule.kind {
            RuleKind::Recording => (RuleTiming::new(Span::ZERO, Span::ZERO), Texts::none(), TemplateLanguage::Go),
            RuleKind::Alerting { hold, keep_firing_for, annotations, templates, .. } => {
                (RuleTiming::new(*hold, *keep_firing_for), Texts::new(annotations, *templates), *templates)
            }
        };
        Self {
            file: group.file.clone(),
            plan: Plan::new(&rule.expr).map_err(|e| e.to_string()),
            timing,
            limit: group.limit,
            query_offset: group.query_offset,
            labels: Texts::new(&rule.labels, language),
            annotations,
            outside: Outside::default(),
            rule: rule.clone(),
        }
    }

    /// The same with what its templates know of the server.
    pub(crate) fn with_outside(self, outside: Outside) -> Self {
        Self { outside, ..self }
    }

    /// Whether the two do the same, apart from the line that the rule stands on.
    pub(crate) fn same(&self, other: &Self) -> bool {
        self.rule == other.rule
            && self.file == other.file
            && self.limit == other.limit
            && self.query_offset == other.query_offset
            && self.outside == other.outside
    }

    /// The moment that an evaluation at `at` looks at.
    pub(crate) fn moment(&self, at: Timestamp) -> Timestamp {
        at - self.query_offset
    }

    /// Why a number of alerts or series is too large, in Prometheus's words.
    pub(crate) fn over_limit(&self, count: usize) -> Option<String> {
        let what = if self.is_recording() { "series" } else { "alerts" };
        (self.limit > 0 && count > self.limit)
            .then(|| format!("exceeded limit of {} with {count} {what}; raise `limit` of its group", self.limit))
    }

    /// What tells the rule's instances apart: a result's labels without those that the rule sets itself.
    ///
    /// Prometheus takes the alert's labels for that, so that a label with `{{ $value }}` makes a new alert at each
    /// evaluation. Here such a label keeps the value that it had when the instance began.
    pub(crate) fn identity(&self, labels: &Labels) -> Labels {
        labels.without(|name| name == NAME || name == ALERT_NAME || self.rule.labels.contains_key(name))
    }

    /// The answers to the queries that the rule's texts need for these instances.
    pub(crate) async fn answers(&self, query: &dyn Query, seen: &[Seen], at: Timestamp) -> Answers {
        if !self.labels.ask() && !self.annotations.ask() {
            return Answers::new();
        }
        texts::fetch(query, at, |answers| {
            seen.iter().find_map(|seen| {
                let value = match seen.observation {
                    Observation::True { value } | Observation::False { value } => value,
                    Observation::Unknown { .. } => None,
                };
                let rendering = Rendering { at, answers };
                let wanting = |texts: &Texts, labels: &Labels| texts.wanting(&self.scope(labels, value, rendering));
                wanting(&self.labels, &seen.labels).or_else(|| {
                    let labels = self.alert_labels(&seen.labels, value, rendering);
                    wanting(&self.annotations, &labels)
                })
            })
        })
        .await
    }

    fn scope<'a>(&'a self, labels: &'a Labels, value: Option<f64>, rendering: Rendering<'a>) -> Scope<'a> {
        let Rendering { at, answers } = rendering;
        Scope { labels, value: value.unwrap_or(f64::NAN), at, outside: &self.outside, answers }
    }

    /// The alert's whole label set for a result.
    pub(crate) fn alert_labels(&self, result: &Labels, value: Option<f64>, rendering: Rendering<'_>) -> Labels {
        let scope = self.scope(result, value, rendering);
        let own = self.labels.render(&scope).map(|(name, text)| (name.to_owned(), text));
        let name = [(ALERT_NAME.to_owned(), self.rule.name.clone())];
        Labels::from_pairs(
            result.iter().filter(|(n, _)| *n != NAME).map(|(n, v)| (n.to_owned(), v.to_owned())).chain(own).chain(name),
        )
    }

    /// The rendered annotations. `labels` are the alert's, which include the result's.
    pub(crate) fn annotations(
        &self,
        labels: &Labels,
        value: Option<f64>,
        rendering: Rendering<'_>,
    ) -> BTreeMap<String, String> {
        let scope = self.scope(labels, value, rendering);
        self.annotations.render(&scope).map(|(name, text)| (name.to_owned(), text)).collect()
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
