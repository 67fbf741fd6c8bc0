//! Rule files: Prometheus rule groups with `category`, `priority` and `on_no_data`.
//!
//! Not evaluation. Expressions are checked by a function that is handed in, because this crate does not know PromQL.

use std::collections::{BTreeMap, BTreeSet};

use watchkeeper_domain::{Category, Code, Priority, Span};
use watchkeeper_lang::go_template::Template;
use watchkeeper_lang::jinja;

use super::names::Names;
use super::probe::{is_label_name, labels};
use super::server::or;
use crate::decode::record::record;
use crate::decode::{At, Context, List, Map, items};
use crate::diagnostic::Diagnostic;
use crate::model::{OnNoData, Rule, RuleGroup, RuleKind, TemplateLanguage};
use crate::place::Place;

/// Why an expression is refused, as whoever parses it says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExprProblem {
    /// What is wrong, for people.
    pub message: String,
    /// Where, in bytes from the start of the expression, if known.
    pub offset: Option<usize>,
}

record! {
    /// A rule file.
    RuleFile, "a rule file" {
        /// Groups of rules.
        groups: Option<List<GroupFile>> = "groups";
    }
}

record! {
    /// Rules that are evaluated together, in order.
    GroupFile, "a rule group" {
        /// Unique in its file.
        name: At<String> = "name";
        /// The longest time between two evaluations. Default: `evaluation.interval`.
        interval: Option<At<Span>> = "interval";
        /// Most alerts or series of a rule; with more the rule is unknown. Default: 0, any number.
        limit: Option<At<u32>> = "limit";
        /// How far before the moment of evaluation rules look. Default: 0s.
        query_offset: Option<At<Span>> = "query_offset";
        /// What labels and annotations are written in: `go` (default) or `jinja`.
        templates: Option<At<TemplateLanguage>> = "templates";
        /// Labels for all rules of the group.
        labels: Option<Map<At<String>>> = "labels";
        /// The rules.
        rules: Option<List<RuleEntry>> = "rules";
    }
}

record! {
    /// One rule.
    RuleEntry, "a rule" {
        /// Name of the alert that it raises.
        alert: Option<At<String>> = "alert";
        /// Name of the series that it records.
        record: Option<At<String>> = "record";
        /// PromQL.
        expr: At<String> = "expr";
        /// How long the condition must hold.
        hold: Option<At<Span>> = "for";
        /// How long it goes on firing after the condition ended.
        keep_firing_for: Option<At<Span>> = "keep_firing_for";
        /// Labels; templates in alerting rules.
        labels: Option<Map<At<String>>> = "labels";
        /// Templates: `summary`, `description`, `runbook_url`, …
        annotations: Option<Map<At<String>>> = "annotations";
        /// What it is about. Default: the label `category`, else `application`.
        category: Option<At<Category>> = "category";
        /// How bad it is. Default: the labels `priority` or `severity`, else `medium`.
        priority: Option<At<Priority>> = "priority";
        /// What missing data means: `unknown` (default), `ok`, `firing`.
        on_no_data: Option<At<OnNoData>> = "on_no_data";
        /// What labels and annotations are written in: `go` or `jinja`. Default: the group's.
        templates: Option<At<TemplateLanguage>> = "templates";
    }
}

pub(crate) type CheckExpr<'a> = &'a dyn Fn(&str) -> Result<(), ExprProblem>;

/// Checks an expression that was made of the text at `at`.
pub(crate) fn check(expr: &str, at: &At<String>, check_expr: CheckExpr<'_>, cx: &mut Context<'_>) {
    if let Err(problem) = check_expr(expr) {
        let place = match problem.offset {
            Some(offset) if expr == at.value => at.place.inside(&at.value, offset),
            _ => at.place.clone(),
        };
        cx.error(Diagnostic::at(Code::RuleExpression, &place, problem.message));
    }
}

/// A rule that has been seen: where, with which labels, and what a recording rule records.
struct Seen {
    place: Place,
    labels: BTreeMap<String, String>,
    records: Option<String>,
}

/// What the ids of rules begin with so far. Prometheus wants the names of groups to be unique within a file only, and so
/// do we; the ids of rules have to be unique everywhere.
#[derive(Debug, Default)]
pub(crate) struct GroupsSeen(BTreeSet<String>);

impl GroupsSeen {
    /// What the ids of a group's rules begin with: its name, and a number from the second file with that name on.
    pub(crate) fn prefix(&mut self, name: &str) -> String {
        let (mut prefix, mut count) = (name.to_owned(), 1);
        while !self.0.insert(prefix.clone()) {
            count += 1;
            prefix = format!("{name}#{count}");
        }
        prefix
    }
}

impl RuleFile {
    pub(crate) fn build(
        &self,
        groups: &mut GroupsSeen,
        check_expr: CheckExpr<'_>,
        cx: &mut Context<'_>,
    ) -> Vec<RuleGroup> {
        let mut names = Names::new("rule group");
        items(&self.groups)
            .iter()
            .map(|group| {
                names.define(&group.name, cx);
                group.build(&groups.prefix(&group.name.value), check_expr, cx)
            })
            .collect()
    }
}

impl GroupFile {
    fn build(&self, prefix: &str, check_expr: CheckExpr<'_>, cx: &mut Context<'_>) -> RuleGroup {
        let shared = Shared {
            prefix,
            labels: labels(self.labels.as_ref(), cx),
            templates: or(self.templates.as_ref(), TemplateLanguage::Go),
        };
        let mut seen: BTreeMap<String, Vec<Seen>> = BTreeMap::new();
        let rules =
            items(&self.rules).iter().filter_map(|rule| rule.build(&shared, &mut seen, check_expr, cx)).collect();
        RuleGroup {
            name: self.name.value.clone(),
            file: self.place.file.path.clone(),
            // Prometheus reads `0s` as "the global interval".
            interval: self.interval.as_ref().map(|at| at.value).filter(|i| !i.is_zero()),
            limit: usize::try_from(or(self.limit.as_ref(), 0)).unwrap_or(usize::MAX),
            query_offset: or(self.query_offset.as_ref(), Span::ZERO),
            rules,
        }
    }
}

/// What a group says for all of its rules.
struct Shared<'a> {
    prefix: &'a str,
    labels: BTreeMap<String, String>,
    templates: TemplateLanguage,
}

impl RuleEntry {
    fn build(
        &self,
        shared: &Shared<'_>,
        seen: &mut BTreeMap<String, Vec<Seen>>,
        check_expr: CheckExpr<'_>,
        cx: &mut Context<'_>,
    ) -> Option<Rule> {
        let (name, alerting) = match (&self.alert, &self.record) {
            (Some(name), None) => (name, true),
            (None, Some(name)) => (name, false),
            _ => {
                let help = "write `alert: Name` or `record: metric_name`".to_owned();
                cx.invalid(&self.place, "a rule needs `alert` or `record`, one of them", Some(help));
                return None;
            }
        };
        check(&self.expr.value, &self.expr, check_expr, cx);
        let own = labels(self.labels.as_ref(), cx);
        let mut all = shared.labels.clone();
        all.extend(own);
        let templates = or(self.templates.as_ref(), shared.templates);
        if name.value.trim().is_empty() {
            cx.invalid(&name.place, "the name of a rule is empty", None);
        }
        let id = self.id(shared.prefix, name, &all, seen, cx);
        let kind = if alerting {
            self.check_templates(templates, cx);
            RuleKind::Alerting {
                hold: or(self.hold.as_ref(), Span::ZERO),
                keep_firing_for: or(self.keep_firing_for.as_ref(), Span::ZERO),
                annotations: self
                    .annotations
                    .as_ref()
                    .map_or(&[][..], |m| &m.0)
                    .iter()
                    .map(|(k, v)| (k.text.clone(), v.value.clone()))
                    .collect(),
                category: or(self.category.as_ref(), word(&all, &["category"]).unwrap_or(Category::Application)),
                priority: or(self.priority.as_ref(), word(&all, &["priority", "severity"]).unwrap_or(Priority::Medium)),
                on_no_data: or(self.on_no_data.as_ref(), OnNoData::Unknown),
                templates,
            }
        } else {
            self.only_for_alerts(name, cx);
            RuleKind::Recording
        };
        let line = self.place.line_column().0;
        Some(Rule { id, name: name.value.clone(), expr: self.expr.value.clone(), kind, labels: all, line })
    }

    /// `group/name`, the group with its number. Prometheus allows one name several times (one alert per severity, one metric from several
    /// expressions): those after the first are told apart by a number. Two alerts with equal labels would be one alert,
    /// and two equal recording rules write each sample twice: both are refused.
    fn id(
        &self,
        group: &str,
        name: &At<String>,
        labels: &BTreeMap<String, String>,
        seen: &mut BTreeMap<String, Vec<Seen>>,
        cx: &mut Context<'_>,
    ) -> String {
        let before = seen.entry(name.value.clone()).or_default();
        let records = self.record.as_ref().map(|_| self.expr.value.clone());
        if let Some(first) = before.iter().find(|s| s.labels == *labels && s.records == records) {
            let message = format!("the group `{group}` has two rules named `{}` with the same labels", name.value);
            let help = "rename one, or give them labels that differ";
            cx.error(Diagnostic::at(Code::ConfigDuplicate, &name.place, message).other(&first.place).help(help));
        }
        before.push(Seen { place: name.place.clone(), labels: labels.clone(), records });
        match before.len() {
            1 => format!("{group}/{}", name.value),
            n => format!("{group}/{}#{n}", name.value),
        }
    }

    fn check_templates(&self, language: TemplateLanguage, cx: &mut Context<'_>) {
        for (_, text) in [&self.labels, &self.annotations].into_iter().flatten().flat_map(|m| &m.0) {
            let problem = match language {
                TemplateLanguage::Go => Template::parse(&text.value).err().map(|e| (e.offset, e.reason)),
                TemplateLanguage::Jinja => jinja::check_template(&text.value).err().map(|e| (0, e.to_string())),
            };
            if let Some((offset, reason)) = problem {
                let place = text.place.inside(&text.value, offset);
                cx.invalid(&place, format!("the template is not usable: {reason}"), None);
            }
        }
        if let Some((key, _)) =
            self.annotations.as_ref().and_then(|m| m.0.iter().find(|(k, _)| !is_label_name(&k.text)))
        {
            cx.invalid(&key.place, format!("`{}` cannot be the name of an annotation", key.text), None);
        }
    }

    fn only_for_alerts(&self, name: &At<String>, cx: &mut Context<'_>) {
        let metric = name.value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':'));
        if !metric || name.value.starts_with(|c: char| c.is_ascii_digit()) {
            let help = "use letters, digits, `_` and `:`, not starting with a digit";
            cx.invalid(&name.place, format!("`{}` cannot be the name of a metric", name.value), Some(help.to_owned()));
        }
        let misplaced = [
            self.hold.as_ref().map(|at| (&at.place, "for")),
            self.keep_firing_for.as_ref().map(|at| (&at.place, "keep_firing_for")),
            self.annotations.as_ref().and_then(|m| m.0.first()).map(|(k, _)| (&k.place, "annotations")),
            self.category.as_ref().map(|at| (&at.place, "category")),
            self.priority.as_ref().map(|at| (&at.place, "priority")),
            self.on_no_data.as_ref().map(|at| (&at.place, "on_no_data")),
            self.templates.as_ref().map(|at| (&at.place, "templates")),
        ];
        for (place, key) in misplaced.into_iter().flatten() {
            cx.invalid(
                place,
                format!("the recording rule `{}` cannot have `{key}`", name.value),
                Some("only alerts have it".to_owned()),
            );
        }
    }
}

/// The first of these labels that is one of a type's words; a template or a word of the user's own is none.
fn word<T: std::str::FromStr>(labels: &BTreeMap<String, String>, names: &[&str]) -> Option<T> {
    names.iter().find_map(|name| labels.get(*name)?.parse().ok())
}
