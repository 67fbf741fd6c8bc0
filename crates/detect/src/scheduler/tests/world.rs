//! A small world for the scheduler: telemetry in memory under the real evaluator, a real state database, a clock.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tempfile::TempDir;
use watchkeeper_config::model::{Evaluation, OnNoData, Rule, RuleGroup, RuleKind, TemplateLanguage};
use watchkeeper_domain::ids::{AlertId, Id};
use watchkeeper_domain::labels::NAME;
use watchkeeper_domain::query::{Instant, QueryError, SeriesData, SeriesSource};
use watchkeeper_domain::telemetry::{AppendError, Appended, Batch, Sample};
use watchkeeper_domain::{Category, Clock, Matcher, Priority, Signal, Timestamp, Verdict};
use watchkeeper_promql::{Expr, Limits};
use watchkeeper_state::Tx;
use watchkeeper_state::signal::CarryingOn;
use watchkeeper_testkit::VirtualClock;

use super::super::*;

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, QueryError>> + Send + 'a>>;

/// Series in memory.
#[derive(Default)]
pub(super) struct Telemetry {
    series: Mutex<BTreeMap<Labels, Vec<Sample>>>,
    /// When set, every query fails with it.
    pub(super) broken: Mutex<Option<String>>,
    pub(super) queries: AtomicUsize,
    /// What a query costs.
    pub(super) cost: Mutex<Option<(Arc<VirtualClock>, Span)>>,
}

impl SeriesSource for Telemetry {
    fn select(&self, matchers: &[Matcher], start_ms: i64, end_ms: i64) -> Result<Vec<SeriesData>, QueryError> {
        let series = self.series.lock();
        let found = series.iter().filter(|(labels, _)| matchers.iter().all(|m| m.matches(labels)));
        Ok(found
            .map(|(labels, samples)| SeriesData {
                labels: labels.clone(),
                samples: samples.iter().filter(|s| (start_ms..=end_ms).contains(&s.t)).copied().collect(),
            })
            .filter(|s| !s.samples.is_empty())
            .collect())
    }
}

impl Telemetry {
    fn ask<T>(&self, ask: impl FnOnce() -> Result<T, String>) -> Result<T, QueryError> {
        self.queries.fetch_add(1, Ordering::Relaxed);
        if let Some((clock, cost)) = &*self.cost.lock() {
            clock.advance(*cost);
        }
        match &*self.broken.lock() {
            Some(reason) => Err(QueryError::Unavailable(reason.clone())),
            None => ask().map_err(QueryError::Invalid),
        }
    }

    /// What is stored of a metric.
    pub(super) fn samples(&self, name: &str) -> Vec<Sample> {
        self.samples_of(&[(NAME, name)])
    }

    /// What is stored of the series with these labels.
    pub(super) fn samples_of(&self, labels: &[(&str, &str)]) -> Vec<Sample> {
        let fits = |all: &Labels| labels.iter().all(|(name, value)| all.get(name) == Some(value));
        self.series.lock().iter().filter(|(labels, _)| fits(labels)).flat_map(|(_, samples)| samples.clone()).collect()
    }

    pub(super) fn put(&self, labels: &Labels, t: i64, v: f64) {
        let mut series = self.series.lock();
        let samples = series.entry(labels.clone()).or_default();
        let at = samples.partition_point(|s| s.t < t);
        match samples.get_mut(at) {
            Some(same) if same.t == t => same.v = v,
            _ => samples.insert(at, Sample { t, v }),
        }
    }
}

impl Query for Telemetry {
    fn instant(&self, expr: &str, at: Timestamp) -> Answer<'_, Instant> {
        let answer = self.ask(|| {
            let expr = Expr::parse(expr).map_err(|e| e.to_string())?;
            let answer = watchkeeper_promql::instant(&expr, self, at.as_millis(), &Limits::default());
            answer.map(|(answer, _)| answer).map_err(|e| e.to_string())
        });
        Box::pin(async move { answer })
    }

    fn range(&self, expr: &str, start: Timestamp, end: Timestamp, step_ms: i64) -> Answer<'_, Vec<SeriesData>> {
        let answer = self.ask(|| {
            let expr = Expr::parse(expr).map_err(|e| e.to_string())?;
            let (start, end) = (start.as_millis(), end.as_millis());
            let answer = watchkeeper_promql::range(&expr, self, start, end, step_ms, &Limits::default());
            answer.map(|(answer, _)| answer).map_err(|e| e.to_string())
        });
        Box::pin(async move { answer })
    }
}

impl Catalog for Telemetry {
    fn metrics(&self) -> Vec<String> {
        self.label_values(&[], NAME)
    }

    fn any(&self, matchers: &[Matcher]) -> bool {
        self.series.lock().keys().any(|labels| matchers.iter().all(|m| m.matches(labels)))
    }

    fn label_names(&self, matchers: &[Matcher]) -> Vec<String> {
        let series = self.series.lock();
        let fit = series.keys().filter(|labels| matchers.iter().all(|m| m.matches(labels)));
        fit.flat_map(|labels| labels.iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>()).collect()
    }

    fn label_values(&self, matchers: &[Matcher], label: &str) -> Vec<String> {
        let series = self.series.lock();
        let fit = series.keys().filter(|labels| matchers.iter().all(|m| m.matches(labels)));
        fit.filter_map(|labels| labels.get(label).map(ToOwned::to_owned)).collect()
    }
}

impl TelemetrySink for Telemetry {
    fn append(&self, batch: Batch) -> Pin<Box<dyn Future<Output = Result<Appended, AppendError>> + Send + '_>> {
        for series in batch.series {
            for sample in series.samples {
                self.put(&series.labels, sample.t, sample.v);
            }
        }
        Box::pin(async { Ok(Appended::default()) })
    }
}

/// Takes signals as `alert` would: one alert per label set while it fires.
#[derive(Default)]
pub(super) struct Sink {
    pub(super) signals: Mutex<Vec<Signal>>,
    open: Mutex<BTreeMap<Labels, AlertId>>,
    pub(super) committed: AtomicUsize,
    pub(super) refuse: Mutex<bool>,
    /// Whether those further on fail.
    pub(super) stumble: Mutex<bool>,
    /// How often those further on were asked.
    pub(super) carried: AtomicUsize,
}

impl SignalSink for Sink {
    fn record<'a>(
        &'a self,
        _: &'a mut Tx,
        signals: &'a [Signal],
    ) -> Pin<Box<dyn Future<Output = Result<Vec<Option<AlertId>>, StateError>> + Send + 'a>> {
        if *self.refuse.lock() {
            return Box::pin(async { Err(StateError::corrupt("alert", "state", "refused by the test")) });
        }
        let mut open = self.open.lock();
        let ids = signals
            .iter()
            .map(|signal| {
                self.signals.lock().push(signal.clone());
                let next = u128::try_from(self.signals.lock().len()).unwrap();
                let id = *open
                    .entry(signal.labels.clone())
                    .or_insert_with(|| AlertId::from_uuid(uuid::Uuid::from_u128(next)));
                if signal.verdict == Verdict::Resolved {
                    open.remove(&signal.labels);
                }
                Some(id)
            })
            .collect();
        Box::pin(async { Ok(ids) })
    }

    fn carry_on(&self, mut tx: Tx) -> CarryingOn<'_> {
        self.carried.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            sqlx::query("UPDATE rule_health SET reason = 'carried on'").execute(&mut *tx).await.unwrap();
            if *self.stumble.lock() { Err(ReconcileError::Other("stumbled".to_owned())) } else { Ok(tx) }
        })
    }

    fn committed(&self) {
        self.committed.fetch_add(1, Ordering::Relaxed);
    }
}

pub(super) struct World {
    pub(super) clock: Arc<VirtualClock>,
    pub(super) telemetry: Arc<Telemetry>,
    pub(super) sink: Arc<Sink>,
    pub(super) state: State,
    pub(super) scheduler: Scheduler,
    pub(super) rules: RuleSet,
    with: Dependencies,
    _dir: TempDir,
}

pub(super) const EVALUATION: Evaluation =
    Evaluation { interval: Span::from_secs(60), coalesce: Span::from_millis(100) };

impl World {
    pub(super) async fn new(rules: Vec<Rule>) -> Self {
        let (env, clock) = watchkeeper_testkit::env();
        Self::with(rules, env, clock).await
    }

    pub(super) async fn with(rules: Vec<Rule>, env: Env, clock: Arc<VirtualClock>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let state = State::open(&dir.path().join("state.db")).await.unwrap();
        let (telemetry, sink) = (Arc::new(Telemetry::default()), Arc::new(Sink::default()));
        let with = Dependencies {
            env,
            state: state.clone(),
            query: telemetry.clone(),
            sink: sink.clone(),
            telemetry: telemetry.clone(),
            catalog: telemetry.clone(),
        };
        let group = RuleGroup {
            name: "bank".into(),
            file: "bank.yaml".into(),
            interval: None,
            limit: 0,
            query_offset: Span::ZERO,
            rules,
        };
        let external_url = "http://watch.bank".to_owned();
        let rules = RuleSet { groups: vec![group], evaluation: EVALUATION, external_url };
        let scheduler = Scheduler::load(with.clone(), &rules).await.unwrap();
        Self { clock, telemetry, sink, state, scheduler, rules, with, _dir: dir }
    }

    /// A new process over the same database.
    pub(super) async fn restart(&mut self) {
        self.scheduler = Scheduler::load(self.with.clone(), &self.rules).await.unwrap();
    }

    pub(super) async fn reload(&mut self, rules: Vec<Rule>) {
        self.reload_group(|group| group.rules = rules).await;
    }

    pub(super) async fn reload_group(&mut self, change: impl FnOnce(&mut RuleGroup)) {
        change(&mut self.rules.groups[0]);
        self.scheduler.apply(&self.rules).await;
    }

    /// A sample arrives now.
    pub(super) fn put(&self, name: &str, labels: &[(&str, &str)], value: f64) {
        let labels: Labels = labels.iter().copied().chain([(NAME, name)]).collect();
        self.telemetry.put(&labels, self.clock.now().as_millis(), value);
        self.scheduler.arrived(&[labels]);
    }

    /// Does all that is due now.
    pub(super) async fn settle(&self) -> Report {
        loop {
            let report = self.scheduler.reconcile().await.unwrap();
            if report.processed == 0 {
                return report;
            }
        }
    }

    /// Lets time pass, as the runner of reconcilers does: it sleeps until the next thing is due.
    pub(super) async fn pass_time(&self, by: Span) {
        let end = self.clock.now() + by;
        loop {
            let report = self.settle().await;
            match report.next_due.filter(|due| *due <= end) {
                Some(due) => self.clock.set(due.max(self.clock.now())),
                None => break,
            }
        }
        self.clock.set(end);
        self.settle().await;
    }

    /// The verdicts so far, as `seconds since the start, verdict, service`.
    pub(super) fn verdicts(&self) -> Vec<(f64, &'static str, String)> {
        let signals = self.sink.signals.lock();
        let word = |verdict: &Verdict| match verdict {
            Verdict::Firing => "firing",
            Verdict::Resolved => "resolved",
            Verdict::Unknown { .. } => "unknown",
        };
        signals
            .iter()
            .map(|s| {
                let since = s.at.as_secs_f64() - watchkeeper_testkit::START.as_secs_f64();
                (since, word(&s.verdict), s.labels.get("service").unwrap_or_default().to_owned())
            })
            .collect()
    }

    pub(super) fn words(&self) -> Vec<&'static str> {
        self.verdicts().into_iter().map(|(_, word, _)| word).collect()
    }

    pub(super) async fn ledger(&self) -> Vec<String> {
        let about = watchkeeper_state::ledger::About::Everything;
        let rows = watchkeeper_state::ledger::entries(self.state.read(), about, 1_000).await.unwrap();
        rows.into_iter().map(|row| row.kind).collect()
    }
}

/// An alerting rule.
pub(super) fn rule(name: &str, expr: &str, hold: i64) -> Rule {
    Rule {
        id: format!("bank/{name}"),
        name: name.into(),
        expr: expr.into(),
        kind: RuleKind::Alerting {
            hold: Span::from_secs(hold),
            keep_firing_for: Span::ZERO,
            annotations: [("summary".to_owned(), "{{ $labels.service }} is at {{ $value }}".to_owned())].into(),
            category: Category::Application,
            priority: Priority::High,
            on_no_data: OnNoData::Unknown,
            templates: TemplateLanguage::Go,
        },
        labels: BTreeMap::new(),
        line: 1,
    }
}

/// The same with another meaning of missing data.
pub(super) fn on_no_data(mut rule: Rule, wanted: OnNoData) -> Rule {
    if let RuleKind::Alerting { on_no_data, .. } = &mut rule.kind {
        *on_no_data = wanted;
    }
    rule
}
