//! Files of promtool's unit tests for rules.
//!
//! Not their run, and not the notation of series in them, which belongs to PromQL.

use std::collections::BTreeMap;

use watchkeeper_domain::{Span, Timestamp};

use super::probe::labels;
use super::server::or;
use crate::decode::record::record;
use crate::decode::{At, Context, List, Map, items};
use crate::model::RuleGroup;
use crate::model::rule_test::{AlertCase, ExpectedSample, ExpressionCase, InputSeries, RuleTest, RuleTestFile};

/// How often rules are evaluated where the file does not say.
const EVALUATION_INTERVAL: Span = Span::from_secs(60);

record! {
    /// A file of unit tests.
    TestFile, "a file of rule tests" {
        /// Patterns of rule files, relative to this file.
        rule_files: Option<List<At<String>>> = "rule_files";
        /// How often all groups are evaluated. Default: `1m`.
        evaluation_interval: Option<At<Span>> = "evaluation_interval";
        /// Names of groups in the order of their evaluation.
        group_eval_order: Option<List<At<String>>> = "group_eval_order";
        /// Whether numbers may differ by the smallest step that a float can take.
        fuzzy_compare: Option<At<bool>> = "fuzzy_compare";
        /// The tests.
        tests: Option<List<TestEntry>> = "tests";
    }
}

record! {
    /// One test.
    TestEntry, "a rule test" {
        /// Its name.
        name: Option<At<String>> = "name";
        /// Time between the values of a series. Default: `evaluation_interval`.
        interval: Option<At<Span>> = "interval";
        /// When it begins: RFC 3339, or seconds since the Unix epoch. Default: 0.
        start_timestamp: Option<At<Timestamp>> = "start_timestamp";
        /// What comes in.
        input_series: Option<List<SeriesEntry>> = "input_series";
        /// Which alerts are expected when.
        alert_rule_test: Option<List<AlertEntry>> = "alert_rule_test";
        /// Which answers are expected when.
        promql_expr_test: Option<List<ExpressionEntry>> = "promql_expr_test";
        /// What `$externalLabels` stands for in templates.
        external_labels: Option<Map<At<String>>> = "external_labels";
        /// What `$externalURL` stands for in templates.
        external_url: Option<At<String>> = "external_url";
    }
}

record! {
    /// One series.
    SeriesEntry, "a series" {
        /// `metric{label="value"}`
        series: At<String> = "series";
        /// `0+1x5 _ stale {{count:1}}`
        values: Option<At<String>> = "values";
    }
}

record! {
    /// Alerts of one name at one moment.
    AlertEntry, "an alert test" {
        /// After the start of the test. Default: `0`.
        eval_time: Option<At<Span>> = "eval_time";
        /// The alert's name.
        alertname: At<String> = "alertname";
        /// All that fire.
        exp_alerts: Option<List<AlertExpectation>> = "exp_alerts";
    }
}

record! {
    /// One alert.
    AlertExpectation, "an expected alert" {
        /// Without `alertname`.
        exp_labels: Option<Map<At<String>>> = "exp_labels";
        /// Rendered.
        exp_annotations: Option<Map<At<String>>> = "exp_annotations";
    }
}

record! {
    /// An answer at one moment.
    ExpressionEntry, "an expression test" {
        /// PromQL.
        expr: At<String> = "expr";
        /// After the start of the test. Default: `0`.
        eval_time: Option<At<Span>> = "eval_time";
        /// All elements.
        exp_samples: Option<List<SampleExpectation>> = "exp_samples";
    }
}

record! {
    /// One element.
    SampleExpectation, "an expected sample" {
        /// `metric{label="value"}`
        labels: Option<At<String>> = "labels";
        /// A number.
        value: Option<At<f64>> = "value";
        /// A native histogram, instead of a number.
        histogram: Option<At<String>> = "histogram";
    }
}

impl TestFile {
    /// The tests. `groups` are those of the rule files in their order; groups that `group_eval_order` does not name come
    /// with its first one.
    pub(crate) fn build(&self, mut groups: Vec<RuleGroup>, cx: &mut Context<'_>) -> RuleTestFile {
        let order = items(&self.group_eval_order);
        for (at, name) in order.iter().enumerate() {
            if order.iter().take(at).any(|earlier| earlier.value == name.value) {
                cx.invalid(&name.place, format!("the group `{}` is in the order twice", name.value), None);
            }
        }
        groups.sort_by_key(|group| order.iter().position(|name| name.value == group.name).unwrap_or(0));
        let evaluation_interval = match self.evaluation_interval.as_ref() {
            Some(at) if !at.value.is_zero() => at.value,
            _ => EVALUATION_INTERVAL,
        };
        let tests = items(&self.tests).iter().enumerate();
        RuleTestFile {
            groups,
            evaluation_interval,
            fuzzy_compare: or(self.fuzzy_compare.as_ref(), false),
            tests: tests.map(|(at, test)| test.build(at, evaluation_interval, cx)).collect(),
        }
    }
}

impl TestEntry {
    fn build(&self, at: usize, evaluation_interval: Span, cx: &mut Context<'_>) -> RuleTest {
        let line = |place: &crate::place::Place| place.line_column().0;
        let interval = self.interval.as_ref().map(|at| at.value).filter(|i| !i.is_zero());
        let series = items(&self.input_series).iter().map(|entry| InputSeries {
            series: entry.series.value.clone(),
            values: entry.values.as_ref().map(|at| at.value.clone()).unwrap_or_default(),
            line: line(&entry.place),
        });
        let alerts = items(&self.alert_rule_test).iter().map(|entry| AlertCase {
            at: or(entry.eval_time.as_ref(), Span::ZERO),
            name: entry.alertname.value.clone(),
            expected: items(&entry.exp_alerts)
                .iter()
                .map(|alert| (texts(alert.exp_labels.as_ref()), texts(alert.exp_annotations.as_ref())))
                .collect(),
            line: line(&entry.place),
        });
        let expressions = items(&self.promql_expr_test).iter().map(|entry| ExpressionCase {
            expr: entry.expr.value.clone(),
            at: or(entry.eval_time.as_ref(), Span::ZERO),
            expected: items(&entry.exp_samples)
                .iter()
                .map(|sample| ExpectedSample {
                    labels: sample.labels.as_ref().map(|at| at.value.clone()).unwrap_or_default(),
                    value: or(sample.value.as_ref(), 0.0),
                    histogram: sample.histogram.as_ref().map(|at| at.value.clone()).filter(|text| !text.is_empty()),
                })
                .collect(),
            line: line(&entry.place),
        });
        RuleTest {
            name: self.name.as_ref().map_or_else(|| format!("unnamed#{at}"), |name| name.value.clone()),
            line: line(&self.place),
            interval: interval.unwrap_or(evaluation_interval),
            start: self.start_timestamp.as_ref().map_or(Timestamp::from_micros(0), |at| at.value),
            input_series: series.collect(),
            alerts: alerts.collect(),
            expressions: expressions.collect(),
            external_labels: labels(self.external_labels.as_ref(), cx).into_iter().collect(),
            external_url: self.external_url.as_ref().map(|at| at.value.clone()).unwrap_or_default(),
        }
    }
}

fn texts(map: Option<&Map<At<String>>>) -> BTreeMap<String, String> {
    map.map_or(&[][..], |m| &m.0).iter().map(|(k, v)| (k.text.clone(), v.value.clone())).collect()
}
