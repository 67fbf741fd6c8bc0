//! Heartbeats: jobs that report when they ran, and an alert when one does not.
//!
//! Not a rule over a metric: the moment at which a job is late lies where nothing arrives, and the server may have been
//! down at it. `record` is the pure core, `signal` says what becomes an alert, `rows` is the database, `samples` the
//! series. The words and the addresses are those of healthchecks.io.
//!
//! A beat is taken in one transaction with what it changes, and is on disk before its sender is answered. What nobody
//! sends is noticed by [`Heartbeats::reconcile`], which reads the rows as they are, after a restart as every day.

pub mod record;
mod rows;
mod samples;
mod signal;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use watchkeeper_config::model::Heartbeat;
use watchkeeper_domain::telemetry::TelemetrySink;
use watchkeeper_domain::{Env, Signal, Span, Timestamp};
use watchkeeper_state::{ReconcileError, Reconciler, Report, SignalSink, State, StateError, Tx, Wake};

use record::{Beat, Event, Outage, Record};
use rows::Row;

pub use rows::{Seen, beats};

/// How often it is written down that the server watches.
const ALIVE: Span = Span::from_secs(30);
/// A longer time without watching was an outage, also when the process lived on: a machine that slept heard nothing.
const LONGEST_PAUSE: Span = Span::from_secs(120);
/// How often the series are written without a beat, so that an expression finds them within its five minutes.
const SERIES: Span = Span::from_secs(60);

/// A heartbeat as it stands.
#[derive(Debug, Clone)]
pub struct Status {
    /// As it is configured.
    pub heartbeat: Arc<Heartbeat>,
    /// What is known.
    pub record: Record,
    /// When it is late unless it reports; none: it is not waited for.
    pub deadline: Option<Timestamp>,
}

/// Takes beats, and watches for those that do not come.
pub struct Heartbeats {
    env: Env,
    state: State,
    sink: Arc<dyn SignalSink>,
    telemetry: Arc<dyn TelemetrySink>,
    wake: Wake,
    configured: RwLock<BTreeMap<String, Arc<Heartbeat>>>,
    pace: Mutex<Pace>,
}

/// What one process remembers.
#[derive(Default)]
struct Pace {
    /// When a pass last looked; none: not since the start.
    looked_at: Option<Timestamp>,
    series_due: Timestamp,
}

impl Heartbeats {
    /// Watches nothing yet; [`apply`](Self::apply) says what.
    ///
    /// `wake` is that of the chain which watches: a beat moves the time at which there is something to notice.
    pub fn new(
        env: Env,
        state: State,
        sink: Arc<dyn SignalSink>,
        telemetry: Arc<dyn TelemetrySink>,
        wake: Wake,
    ) -> Self {
        Self { env, state, sink, telemetry, wake, configured: RwLock::default(), pace: Mutex::default() }
    }

    /// Takes over a configuration; the next pass goes by it.
    pub fn apply(&self, heartbeats: &[Heartbeat]) {
        let configured = heartbeats.iter().map(|one| (one.name.clone(), Arc::new(one.clone()))).collect();
        *self.configured.write() = configured;
    }

    /// Takes a beat. When this returns it is on disk, with the alert that it raised or ended.
    ///
    /// Gives false when no heartbeat has this name.
    pub async fn beat(&self, name: &str, beat: &Beat) -> Result<bool, StateError> {
        let Some(heartbeat) = self.configured.read().get(name).cloned() else { return Ok(false) };
        let now = self.env.now();
        let mut tx = self.state.write().await?;
        let before = rows::load(&mut tx, name).await?;
        let before = before.unwrap_or_else(|| Row { record: Record::new(now), alert: None });
        let open = before.record.runs.len();
        let mut after = Row { record: before.record.step(&heartbeat, Event::Beat(beat), now), ..before };
        let took = after.record.took.filter(|_| after.record.runs.len() < open);
        rows::keep_beat(&mut tx, name, beat, now, took).await?;
        let signals = signal::between(Some(&heartbeat), &mut after.alert, &after.record, now);
        rows::save(&mut tx, name, &after, now).await?;
        self.sink.record(&mut tx, &signals).await?;
        State::commit(tx).await?;
        if !signals.is_empty() {
            self.sink.committed();
        }
        self.wake.wake();
        self.write_series(&[Status::of(heartbeat, after.record)], now).await;
        Ok(true)
    }

    /// All configured heartbeats by name, as they stand.
    pub async fn statuses(&self) -> Result<Vec<Status>, StateError> {
        let mut rows = rows::all(self.state.read()).await?;
        let now = self.env.now();
        let configured = self.configured.read().clone();
        let status = |(name, heartbeat): (String, Arc<Heartbeat>)| {
            let record = rows.remove(&name).map_or_else(|| Record::new(now), |row| row.record);
            Status::of(heartbeat, record)
        };
        Ok(configured.into_iter().map(status).collect())
    }

    async fn pass(&self) -> Result<Report, StateError> {
        let now = self.env.now();
        let configured = self.configured.read().clone();
        let rows = rows::all(self.state.read()).await?;
        if configured.is_empty() && rows.is_empty() {
            self.pace.lock().looked_at = Some(now);
            return Ok(Report::default());
        }
        let alive_at = rows::alive_at(self.state.read()).await?;
        let outage = self.outage(alive_at, now);
        let mut found = Found::new(&configured, &rows, outage, now);
        let mut processed = 0;
        if !found.changed.is_empty() || alive_at.is_none_or(|at| now.since(at) >= ALIVE || at > now) {
            let mut tx = self.state.write().await?;
            // A beat may have come meanwhile; nothing comes in between now.
            found = Found::new(&configured, &rows::all(&mut *tx).await?, outage, now);
            processed = self.write(&mut tx, &found, now).await?;
            State::commit(tx).await?;
            if processed > 0 {
                self.sink.committed();
            }
        }
        let series_due = {
            let mut pace = self.pace.lock();
            pace.looked_at = Some(now);
            let due = now >= pace.series_due;
            if due {
                pace.series_due = now + SERIES;
            }
            due
        };
        if series_due {
            self.write_series(&found.statuses, now).await;
        }
        let deadlines = found.statuses.iter().filter_map(|status| status.deadline).filter(|at| *at > now);
        Ok(Report { processed, next_due: Some(now + ALIVE) }.due(deadlines.min()))
    }

    /// The time until now in which nothing was heard, if there was one: the server was down, or stood still.
    fn outage(&self, alive_at: Option<Timestamp>, now: Timestamp) -> Option<Outage> {
        let from = alive_at?;
        let looked_at = self.pace.lock().looked_at;
        let started = looked_at.is_none();
        (started || now.since(from) > LONGEST_PAUSE).then_some(Outage { from, until: now })
    }

    /// Writes what changed, and that somebody watched. Gives the number of heartbeats whose alert changed.
    async fn write(&self, tx: &mut Tx, found: &Found, now: Timestamp) -> Result<usize, StateError> {
        rows::keep_alive(tx, now).await?;
        for (name, row, signals) in &found.changed {
            match row {
                Some(row) => rows::save(tx, name, row, now).await?,
                None => rows::forget(tx, name).await?,
            }
            self.sink.record(tx, signals).await?;
        }
        Ok(found.changed.iter().filter(|(_, _, signals)| !signals.is_empty()).count())
    }

    /// Writes the series. A beat that is on disk stays taken when this fails.
    async fn write_series(&self, statuses: &[Status], now: Timestamp) {
        let batch = samples::batch(statuses, now);
        if batch.series.is_empty() {
            return;
        }
        if let Err(error) = self.telemetry.append(batch).await {
            tracing::warn!(%error, "the series of heartbeats could not be written");
        }
    }
}

/// What a look at all heartbeats finds.
#[derive(Default)]
struct Found {
    /// How each that is configured stands.
    statuses: Vec<Status>,
    /// Rows that are to be written, or deleted, with what becomes of their alerts.
    changed: Vec<(String, Option<Row>, Vec<Signal>)>,
}

impl Found {
    fn new(
        configured: &BTreeMap<String, Arc<Heartbeat>>,
        rows: &BTreeMap<String, Row>,
        outage: Option<Outage>,
        now: Timestamp,
    ) -> Self {
        let mut found = Self::default();
        for (name, heartbeat) in configured {
            let known = rows.get(name);
            let before = known.cloned().unwrap_or_else(|| Row { record: Record::new(now), alert: None });
            let mut record = before.record;
            if let Some(outage) = outage.filter(|_| known.is_some()) {
                record = record.step(heartbeat, Event::Outage(outage), now);
            }
            let mut after = Row { record: record.step(heartbeat, Event::Time, now), alert: before.alert };
            let signals = signal::between(Some(heartbeat), &mut after.alert, &after.record, now);
            found.statuses.push(Status::of(Arc::clone(heartbeat), after.record.clone()));
            if known != Some(&after) {
                found.changed.push((name.clone(), Some(after), signals));
            }
        }
        for (name, row) in rows.iter().filter(|(name, _)| !configured.contains_key(*name)) {
            let signals = signal::between(None, &mut row.alert.clone(), &row.record, now);
            found.changed.push((name.clone(), None, signals));
        }
        found
    }
}

impl Status {
    fn of(heartbeat: Arc<Heartbeat>, record: Record) -> Self {
        let deadline = record.deadline(&heartbeat);
        Self { heartbeat, record, deadline }
    }
}

impl Reconciler for Heartbeats {
    fn name(&self) -> &'static str {
        "heartbeats"
    }

    fn reconcile(&self) -> Pin<Box<dyn Future<Output = Result<Report, ReconcileError>> + Send + '_>> {
        Box::pin(async { Ok(self.pass().await?) })
    }
}

#[cfg(test)]
mod tests;
