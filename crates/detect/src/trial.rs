//! Rules on trial: the same evaluation, judgement and state machine as in the scheduler, over series in memory and at
//! moments that a test states. What promtool's unit tests run on.
//!
//! Not scheduling, and nothing is written down. What is Prometheus's here and ours in the scheduler, because the tests are
//! written for Prometheus:
//! - An instance whose series vanished has ended, unless its rule says `on_no_data: firing`.
//! - An instance whose rendered labels change is another one.
//! - Active instances are written as `ALERTS` and `ALERTS_FOR_STATE`.

pub mod unit;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;

use futures::FutureExt;
use parking_lot::Mutex;
use watchkeeper_config::model::{OnNoData, RuleGroup};
use watchkeeper_domain::query::{Instant, Query, QueryError, SeriesData};
use watchkeeper_domain::telemetry::STALE_NAN_BITS;
use watchkeeper_domain::{Labels, Span, Timestamp};
use watchkeeper_lang::go_template::Outside;
use watchkeeper_promql::script::{Memory, Point};
use watchkeeper_promql::{Answer, Entry, Expr, Limits, Settings, evaluate_instant, range};

use crate::active;
use crate::compiled::{Compiled, Rendering};
use crate::judge::{self, Seen};
use crate::rule::{Cause, InstanceState, Observation, step};
use crate::{findings, recording};

/// Rule groups with what they have seen so far.
#[derive(Debug)]
pub struct Trial {
    groups: Vec<Vec<RuleOnTrial>>,
    series: Telemetry,
}

/// One alert that is on.
#[derive(Debug, Clone, PartialEq)]
pub struct Firing {
    /// All its labels, `alertname` among them.
    pub labels: Labels,
    /// Rendered.
    pub annotations: BTreeMap<String, String>,
}

#[derive(Debug)]
struct RuleOnTrial {
    rule: Compiled,
    instances: BTreeMap<Labels, Instance>,
    /// The series that it wrote the last time.
    written: BTreeSet<Labels>,
}

#[derive(Debug)]
struct Instance {
    state: InstanceState,
    labels: Labels,
    annotations: BTreeMap<String, String>,
}

impl Trial {
    /// Rules before their first evaluation. They are evaluated in this order; `outside` is what their templates know,
    /// `interval` the step of subqueries that state none.
    #[must_use]
    pub fn new(groups: &[RuleGroup], interval: Span, outside: &Outside) -> Self {
        let rule = |group: &RuleGroup, rule| RuleOnTrial {
            rule: Compiled::new(group, rule).with_outside(outside.clone()),
            instances: BTreeMap::new(),
            written: BTreeSet::new(),
        };
        let groups = groups.iter().map(|group| group.rules.iter().map(|r| rule(group, r)).collect()).collect();
        let settings = Settings { subquery_step_ms: interval.as_millis().max(1), ..Settings::new(&Limits::default()) };
        let series = Telemetry { memory: Mutex::new(Memory::default()), settings, parsed: Mutex::new(HashMap::new()) };
        Self { groups, series }
    }

    /// A sample comes in.
    pub fn append(&self, labels: &Labels, at: Timestamp, point: &Point) {
        self.series.memory.lock().append(labels, at.as_millis(), point);
    }

    /// Evaluates all rules at a moment; the answer tells which could not be evaluated, with why.
    pub fn evaluate(&mut self, at: Timestamp) -> Vec<(String, String)> {
        let mut failed = Vec::new();
        for rule in self.groups.iter_mut().flatten() {
            let outcome =
                if rule.rule.is_recording() { rule.record(&self.series, at) } else { rule.judge(&self.series, at) };
            if let Err(reason) = outcome {
                failed.push((rule.rule.rule.name.clone(), reason));
            }
        }
        failed
    }

    /// The alerts of this name that are on, of whatever group.
    #[must_use]
    pub fn firing(&self, name: &str) -> Vec<Firing> {
        let rules = self.groups.iter().flatten().filter(|r| !r.rule.is_recording() && r.rule.rule.name == name);
        let instances = rules.flat_map(|rule| rule.instances.values()).filter(|i| i.state.is_firing());
        instances.map(|i| Firing { labels: i.labels.clone(), annotations: i.annotations.clone() }).collect()
    }

    /// Evaluates an expression over what came in and what the rules wrote.
    pub fn ask(&self, expr: &str, at: Timestamp) -> Result<Answer, String> {
        self.series.answer(expr, at).map_err(|e| e.to_string())
    }
}

impl RuleOnTrial {
    fn record(&mut self, series: &Telemetry, at: Timestamp) -> Result<(), String> {
        let at = self.rule.moment(at);
        let entries = match series.answer(&self.rule.rule.expr, at).map_err(|e| e.to_string())? {
            Answer::Vector(entries) => entries,
            Answer::Scalar(value) => {
                vec![Entry { labels: Labels::empty(), value: watchkeeper_promql::Point::Float(value) }]
            }
            Answer::Text(_) | Answer::Matrix(_) => return Err("the result is neither a vector nor a scalar".to_owned()),
        };
        if let Some(reason) = self.rule.over_limit(entries.len()) {
            return Err(reason);
        }
        let mut points = BTreeMap::new();
        for entry in entries {
            let labels = recording::series(&self.rule.rule, &entry.labels);
            let point = match entry.value {
                watchkeeper_promql::Point::Float(v) => Point::Float(v),
                watchkeeper_promql::Point::Histogram(h) => Point::Histogram(h, false),
            };
            if points.insert(labels.clone(), point).is_some() {
                return Err(format!("two results become the same series {labels} once the rule's labels are applied"));
            }
        }
        self.write(series, at, points);
        Ok(())
    }

    /// Writes samples, and markers for series that are no more.
    fn write(&mut self, series: &Telemetry, at: Timestamp, points: BTreeMap<Labels, Point>) {
        let mut memory = series.memory.lock();
        for gone in self.written.iter().filter(|labels| !points.contains_key(labels)) {
            memory.append(gone, at.as_millis(), &Point::Float(f64::from_bits(STALE_NAN_BITS)));
        }
        for (labels, point) in &points {
            memory.append(labels, at.as_millis(), point);
        }
        self.written = points.into_keys().collect();
    }

    fn judge(&mut self, series: &Telemetry, at: Timestamp) -> Result<(), String> {
        let plan = self.rule.plan.as_ref().map_err(Clone::clone)?;
        let known: Vec<Labels> = self.instances.keys().cloned().collect();
        let identity = |labels: &Labels| self.rule.identity(labels);
        let on_no_data = match self.rule.on_no_data() {
            OnNoData::Firing => OnNoData::Firing,
            OnNoData::Ok | OnNoData::Unknown => OnNoData::Ok,
        };
        let silence_matters = on_no_data != OnNoData::Ok;
        let asked = self.rule.moment(at);
        let found = findings::evaluate(series, plan, &known, &identity, asked, silence_matters).now_or_never();
        let found = found.unwrap_or_else(|| Err(QueryError::Unavailable("the series are not in memory".to_owned())));
        let judgement = judge::judge(found, &known, &identity, on_no_data, String::new);
        if let Some((Cause::QueryFailed, reason)) = judgement.unknown {
            return Err(reason);
        }
        let answers = self.rule.answers(series, &judgement.seen, at).now_or_never().unwrap_or_default();
        for seen in judgement.seen {
            self.step(seen, Rendering { at, answers: &answers });
        }
        let failed = self.rule.over_limit(self.instances.len());
        if failed.is_some() {
            self.instances.clear();
        }
        let points = self.alerts();
        self.write(series, asked, points);
        failed.map_or(Ok(()), Err)
    }

    fn step(&mut self, seen: Seen, rendering: Rendering<'_>) {
        let mut known = self.instances.remove(&seen.identity);
        let rendered = match seen.observation {
            Observation::True { value } => {
                let labels = self.rule.alert_labels(&seen.labels, value, rendering);
                Some((labels, self.rule.annotations(&seen.labels, value, rendering)))
            }
            Observation::False { .. } | Observation::Unknown { .. } => None,
        };
        known = known.filter(|known| rendered.as_ref().is_none_or(|(labels, _)| *labels == known.labels));
        let inactive = InstanceState::Inactive;
        let before = known.as_ref().map_or(&inactive, |i| &i.state);
        let (state, _) = step(before, seen.observation, rendering.at, &self.rule.timing);
        let texts = rendered.or(known.map(|i| (i.labels, i.annotations)));
        if let (Some((labels, annotations)), false) = (texts, state == InstanceState::Inactive) {
            self.instances.insert(seen.identity, Instance { state, labels, annotations });
        }
    }

    /// The active instances as Prometheus writes them.
    fn alerts(&self) -> BTreeMap<Labels, Point> {
        let series = active::all(&self.rule.rule.name, self.instances.values().map(|i| (&i.labels, &i.state)));
        series.into_iter().map(|(labels, v)| (labels, Point::Float(v))).collect()
    }
}

/// Series in memory under the evaluator.
#[derive(Debug)]
struct Telemetry {
    memory: Mutex<Memory>,
    settings: Settings,
    /// Expressions come again at each step.
    parsed: Mutex<HashMap<String, Arc<Expr>>>,
}

type Answering<'a, T> = Pin<Box<dyn Future<Output = Result<T, QueryError>> + Send + 'a>>;

impl Telemetry {
    fn parsed(&self, text: &str) -> Result<Arc<Expr>, QueryError> {
        if let Some(expr) = self.parsed.lock().get(text) {
            return Ok(Arc::clone(expr));
        }
        let expr = Arc::new(Expr::parse(text).map_err(|e| QueryError::Invalid(e.to_string()))?);
        self.parsed.lock().insert(text.to_owned(), Arc::clone(&expr));
        Ok(expr)
    }

    fn answer(&self, expr: &str, at: Timestamp) -> Result<Answer, QueryError> {
        let expr = self.parsed(expr)?;
        let memory = self.memory.lock();
        Ok(evaluate_instant(&expr, &*memory, at.as_millis(), self.settings)?.0)
    }
}

impl Query for Telemetry {
    fn instant(&self, expr: &str, at: Timestamp) -> Answering<'_, Instant> {
        let answer = self.answer(expr, at).map(Answer::without_histograms);
        Box::pin(ready(answer))
    }

    fn range(&self, expr: &str, start: Timestamp, end: Timestamp, step_ms: i64) -> Answering<'_, Vec<SeriesData>> {
        let answer = self.parsed(expr).and_then(|expr| {
            let memory = self.memory.lock();
            let limits = &self.settings.limits;
            Ok(range(&expr, &*memory, start.as_millis(), end.as_millis(), step_ms, limits)?.0)
        });
        Box::pin(ready(answer))
    }
}
