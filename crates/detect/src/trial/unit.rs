//! promtool's unit tests of rules: what is expected at which moment, compared with what the rules on trial say.
//!
//! Not reading their files: `config` does that. Moments and comparisons are those of Prometheus's `cmd/promtool/unittest.go`:
//! alerts are looked at after the last evaluation that is not later, expressions when all evaluations are done.

use std::collections::BTreeMap;

use watchkeeper_config::model::rule_test::{AlertCase, ExpectedSample, ExpressionCase, RuleTest, RuleTestFile};
use watchkeeper_domain::{Labels, Span, Timestamp};
use watchkeeper_lang::go_template::Outside;
use watchkeeper_promql::script::{self, Point};
use watchkeeper_promql::{self as promql, Answer};

use super::{Firing, Trial};
use crate::compiled::ALERT_NAME;

/// What became of one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The test's name.
    pub test: String,
    /// The line of the case in the file.
    pub line: usize,
    /// What was looked at.
    pub subject: String,
    /// How it went.
    pub outcome: Outcome,
}

/// How a case went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// As expected.
    Passed,
    /// Not as expected, with what was.
    Failed(String),
    /// Not looked at, because its test could not go on.
    Skipped,
}

/// Runs all tests of a file. A test without any case counts as one: its rules must be evaluated without an error.
#[must_use]
pub fn run(file: &RuleTestFile) -> Vec<Verdict> {
    file.tests.iter().flat_map(|test| Running::new(file, test).run()).collect()
}

struct Running<'a> {
    file: &'a RuleTestFile,
    test: &'a RuleTest,
    trial: Trial,
    verdicts: Vec<Verdict>,
}

/// A series that comes in, with how far it has.
struct Incoming {
    labels: Labels,
    points: Vec<Point>,
    next: usize,
}

impl<'a> Running<'a> {
    fn new(file: &'a RuleTestFile, test: &'a RuleTest) -> Self {
        let outside = Outside { labels: test.external_labels.clone(), url: test.external_url.clone() };
        let trial = Trial::new(&file.groups, file.evaluation_interval, &outside);
        Self { file, test, trial, verdicts: Vec::new() }
    }

    fn run(mut self) -> Vec<Verdict> {
        let test = self.test;
        let mut alerts: Vec<&AlertCase> = test.alerts.iter().collect();
        alerts.sort_by_key(|case| case.at);
        let looked = self.evaluate(&alerts);
        let skipped = |line, subject| Verdict { test: test.name.clone(), line, subject, outcome: Outcome::Skipped };
        match looked {
            Ok(()) => {
                for case in &test.expressions {
                    let outcome = self.expression(case).map_or_else(Outcome::Failed, |()| Outcome::Passed);
                    self.tell(case.line, about_expression(case), outcome);
                }
                if self.verdicts.is_empty() {
                    self.tell(test.line, "evaluation".to_owned(), Outcome::Passed);
                }
            }
            Err(done) => {
                let left = alerts.get(done..).unwrap_or(&[]).iter();
                self.verdicts.extend(left.map(|case| skipped(case.line, about_alert(case))));
                self.verdicts.extend(test.expressions.iter().map(|c| skipped(c.line, about_expression(c))));
            }
        }
        self.verdicts
    }

    fn tell(&mut self, line: usize, subject: String, outcome: Outcome) {
        self.verdicts.push(Verdict { test: self.test.name.clone(), line, subject, outcome });
    }

    /// Lets time pass, and looks at alerts on the way. What stops it is told; the error is how many cases were done.
    fn evaluate(&mut self, alerts: &[&AlertCase]) -> Result<(), usize> {
        let (test, interval) = (self.test, self.file.evaluation_interval);
        let mut incoming = self.incoming().ok_or(0_usize)?;
        let last = test.alerts.iter().map(|c| c.at).chain(test.expressions.iter().map(|c| c.at)).max();
        let last = last.unwrap_or(Span::ZERO);
        let (mut passed, mut done) = (Span::ZERO, 0);
        while passed <= last {
            let now = test.start + passed;
            for series in &mut incoming {
                series.append(&self.trial, now, test);
            }
            let failed = self.trial.evaluate(now);
            if !failed.is_empty() {
                for (rule, reason) in failed {
                    self.tell(test.line, format!("rule {rule} at {passed}"), Outcome::Failed(reason));
                }
                return Err(done);
            }
            let next = Span::from_micros(passed.as_micros().saturating_add(interval.as_micros()));
            while let Some(case) = alerts.get(done).filter(|case| case.at < next) {
                let outcome = alerts_agree(case, self.trial.firing(&case.name));
                self.tell(case.line, about_alert(case), outcome.map_or_else(Outcome::Failed, |()| Outcome::Passed));
                done += 1;
            }
            passed = next;
        }
        Ok(())
    }

    /// The series that come in; nothing, after telling why, where one cannot be read.
    fn incoming(&mut self) -> Option<Vec<Incoming>> {
        let mut all = Vec::new();
        let mut wrong = Vec::new();
        for series in &self.test.input_series {
            match script::series(&format!("{} {}", series.series, series.values)) {
                Ok((labels, points)) => all.push(Incoming { labels, points, next: 0 }),
                Err(reason) => wrong.push((series.line, format!("series {}", series.series), reason)),
            }
        }
        if wrong.is_empty() {
            return Some(all);
        }
        for (line, subject, reason) in wrong {
            self.tell(line, subject, Outcome::Failed(reason));
        }
        None
    }

    fn expression(&self, case: &ExpressionCase) -> Result<(), String> {
        let mut wanted = Vec::with_capacity(case.expected.len());
        for sample in &case.expected {
            wanted.push(expected(sample)?);
        }
        let mut got: Vec<(Labels, promql::Point)> = match self.trial.ask(&case.expr, self.test.start + case.at)? {
            Answer::Scalar(v) => vec![(Labels::empty(), promql::Point::Float(v))],
            Answer::Vector(entries) => entries.into_iter().map(|e| (e.labels, e.value)).collect(),
            Answer::Text(_) | Answer::Matrix(_) => return Err("the answer is neither a vector nor a scalar".to_owned()),
        };
        wanted.sort_by(|a, b| a.0.cmp(&b.0));
        got.sort_by(|a, b| a.0.cmp(&b.0));
        let agree = wanted.len() == got.len()
            && wanted.iter().zip(&got).all(|(w, g)| w.0 == g.0 && same(&w.1, &g.1, self.file.fuzzy_compare));
        if agree { Ok(()) } else { Err(format!("expected {}, got {}", shown(&wanted), shown(&got))) }
    }
}

impl Incoming {
    fn append(&mut self, trial: &Trial, now: Timestamp, test: &RuleTest) {
        while let Some(point) = self.points.get(self.next) {
            let after = test.interval.as_micros().saturating_mul(i64::try_from(self.next).unwrap_or(i64::MAX));
            let at = test.start + Span::from_micros(after);
            if at > now {
                return;
            }
            trial.append(&self.labels, at, point);
            self.next += 1;
        }
    }
}

fn about_alert(case: &AlertCase) -> String {
    format!("alert {} at {}", case.name, case.at)
}

fn about_expression(case: &ExpressionCase) -> String {
    format!("{} at {}", case.expr.trim(), case.at)
}

fn alerts_agree(case: &AlertCase, mut got: Vec<Firing>) -> Result<(), String> {
    let mut wanted: Vec<Firing> = Vec::with_capacity(case.expected.len());
    for (labels, annotations) in &case.expected {
        let own = labels.iter().map(|(n, v)| (n.as_str(), v.as_str())).chain([(ALERT_NAME, case.name.as_str())]);
        wanted.push(Firing { labels: own.collect(), annotations: annotations.clone() });
    }
    wanted.sort_by(|a, b| (&a.labels, &a.annotations).cmp(&(&b.labels, &b.annotations)));
    got.sort_by(|a, b| (&a.labels, &a.annotations).cmp(&(&b.labels, &b.annotations)));
    if wanted == got {
        return Ok(());
    }
    let shown = |alerts: &[Firing]| match alerts {
        [] => "no alert".to_owned(),
        alerts => {
            let one = |a: &Firing| format!("{} with {}", a.labels, pairs(&a.annotations));
            alerts.iter().map(one).collect::<Vec<_>>().join("; ")
        }
    };
    Err(format!("expected {}, got {}", shown(&wanted), shown(&got)))
}

fn pairs(annotations: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = annotations.iter().map(|(name, text)| format!("{name}={text:?}")).collect();
    format!("{{{}}}", pairs.join(", "))
}

/// An element that is expected.
fn expected(sample: &ExpectedSample) -> Result<(Labels, promql::Point), String> {
    let text = sample.labels.trim();
    let labels = if text.is_empty() { Labels::empty() } else { script::series(text)?.0 };
    let value = match &sample.histogram {
        None => promql::Point::Float(sample.value),
        Some(text) => match script::series(&format!("{{}} {text}"))?.1.as_slice() {
            [Point::Histogram(h, _)] => promql::Point::Histogram(std::sync::Arc::clone(h)),
            _ => return Err(format!("`{text}` is not one native histogram")),
        },
    };
    Ok((labels, value))
}

#[expect(clippy::float_cmp, reason = "tests without fuzzy_compare want the very number")]
fn same(wanted: &promql::Point, got: &promql::Point, fuzzy: bool) -> bool {
    match (wanted, got) {
        (promql::Point::Float(a), promql::Point::Float(b)) => {
            a == b || a.is_nan() && b.is_nan() || fuzzy && (a.next_up() == *b || a.next_down() == *b)
        }
        (promql::Point::Histogram(a), promql::Point::Histogram(b)) => {
            (**a).clone().compact() == (**b).clone().compact()
        }
        _ => false,
    }
}

fn shown(elements: &[(Labels, promql::Point)]) -> String {
    let one = |(labels, point): &(Labels, promql::Point)| match point {
        promql::Point::Float(v) => format!("{labels} {v}"),
        promql::Point::Histogram(h) => format!("{labels} {}", h.to_test_text()),
    };
    match elements {
        [] => "nothing".to_owned(),
        elements => elements.iter().map(one).collect::<Vec<_>>().join("; "),
    }
}

#[cfg(test)]
mod tests;
