//! Runs the configured probes, each at its interval, and keeps their last results.
//!
//! Not tasks: [`ProbeRunner::run`] is one future that the supervisor drives; probes run side by side inside of it.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::sync::Arc;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use parking_lot::Mutex;
use tokio::sync::Notify;
use watchkeeper_config::model::Probe;
use watchkeeper_domain::telemetry::TelemetrySink;
use watchkeeper_domain::{Env, Labels, Span, Timestamp};

use super::verdict::{Verdict, judge};
use super::{Network, ProbeResult, samples};

/// Results that are kept of each probe.
const HISTORY: usize = 60;

/// A probe as it runs.
#[derive(Debug, Clone)]
pub struct ProbeStatus {
    /// The probe.
    pub probe: Arc<Probe>,
    /// How its target stands, by several results where it is so configured.
    pub verdict: Verdict,
    /// Since when it stands so; none before its first result.
    pub since: Option<Timestamp>,
    /// The last result.
    pub last: Option<ProbeResult>,
    /// When it runs next.
    pub next_due: Timestamp,
    /// Why its result could not be kept; none: it was.
    pub not_kept: Option<String>,
    /// The last results, oldest first; at most 60.
    pub history: VecDeque<ProbeResult>,
}

struct Slot {
    status: ProbeStatus,
    running: bool,
}

/// Runs probes.
pub struct ProbeRunner {
    env: Env,
    network: Arc<dyn Network>,
    telemetry: Arc<dyn TelemetrySink>,
    slots: Mutex<BTreeMap<String, Slot>>,
    changed: Notify,
}

impl ProbeRunner {
    /// A runner without probes; [`apply`](Self::apply) gives it some.
    pub fn new(env: Env, network: Arc<dyn Network>, telemetry: Arc<dyn TelemetrySink>) -> Self {
        Self { env, network, telemetry, slots: Mutex::default(), changed: Notify::new() }
    }

    /// Takes over a configuration. A probe that did not change keeps its pace and its results.
    pub fn apply(&self, probes: &[Probe]) {
        let now = self.env.now();
        let mut slots = self.slots.lock();
        let mut before = std::mem::take(&mut *slots);
        for probe in probes {
            let kept = before.remove(&probe.name).filter(|slot| same(&slot.status.probe, probe));
            let slot = kept.unwrap_or_else(|| {
                let probe = Arc::new(probe.clone());
                // A new probe runs at once: the first look must not wait for its turn.
                let status = ProbeStatus {
                    probe,
                    verdict: Verdict::Unknown,
                    since: None,
                    last: None,
                    next_due: now,
                    not_kept: None,
                    history: VecDeque::new(),
                };
                Slot { status, running: false }
            });
            slots.insert(probe.name.clone(), slot);
        }
        self.changed.notify_one();
    }

    /// All probes, by name.
    #[must_use]
    pub fn statuses(&self) -> Vec<ProbeStatus> {
        self.slots.lock().values().map(|slot| slot.status.clone()).collect()
    }

    /// Runs the probes until `stop` completes. Probes under way are then given up.
    pub async fn run(&self, stop: impl Future<Output = ()> + Send) {
        // What an earlier run gave up is not under way any more.
        self.slots.lock().values_mut().for_each(|slot| slot.running = false);
        let mut running = FuturesUnordered::new();
        tokio::pin!(stop);
        loop {
            let (due, next) = self.take_due();
            running.extend(due.into_iter().map(|probe| self.once(probe)));
            tokio::select! {
                () = &mut stop => return,
                Some(()) = running.next() => {}
                () = self.changed.notified() => {}
                () = async {
                    match next {
                        Some(at) => self.env.clock.sleep_until(at).await,
                        None => std::future::pending().await,
                    }
                } => {}
            }
        }
    }

    /// The probes to start now, and when the next one is due.
    fn take_due(&self) -> (Vec<Arc<Probe>>, Option<Timestamp>) {
        let now = self.env.now();
        let mut due = Vec::new();
        let mut slots = self.slots.lock();
        for slot in slots.values_mut() {
            let status = &mut slot.status;
            // A clock that was set back must not silence a probe for hours.
            let late = status.next_due > now + status.probe.interval;
            if status.next_due <= now || late {
                if !slot.running && !late {
                    slot.running = true;
                    due.push(status.probe.clone());
                }
                status.next_due = next_turn(&status.probe, now);
            }
        }
        let next = slots.values().map(|slot| slot.status.next_due).min();
        (due, next)
    }

    async fn once(&self, probe: Arc<Probe>) {
        let (at, began) = (self.env.now(), self.env.clock.monotonic());
        let finding = self.network.probe(&probe).await;
        let duration = Span::from(self.env.clock.monotonic().saturating_sub(began));
        let result = ProbeResult { at, duration, finding };
        let verdict = self.verdict(&probe, &result);
        let kept = self.telemetry.append(samples::batch(&probe, &result, verdict)).await;
        if let Err(error) = &kept {
            tracing::warn!(probe = %probe.name, %error, "a probe's result could not be kept");
        }
        let mut slots = self.slots.lock();
        // A reload may have replaced the probe meanwhile: its result is then nobody's.
        let Some(slot) = slots.get_mut(&probe.name).filter(|slot| Arc::ptr_eq(&slot.status.probe, &probe)) else {
            return;
        };
        slot.running = false;
        let status = &mut slot.status;
        if status.last.is_none() || status.verdict != verdict {
            status.since = Some(at);
        }
        status.verdict = verdict;
        status.not_kept = kept.err().map(|e| e.to_string());
        if status.history.len() == HISTORY {
            status.history.pop_front();
        }
        status.history.push_back(result.clone());
        status.last = Some(result);
    }

    /// How the target stands with this result, which is the newest.
    fn verdict(&self, probe: &Probe, newest: &ProbeResult) -> Verdict {
        let slots = self.slots.lock();
        let earlier = slots.get(&probe.name).into_iter().flat_map(|slot| slot.status.history.iter().rev());
        judge(probe.down_after, std::iter::once(newest).chain(earlier).map(ProbeResult::success))
    }
}

/// The next moment of a probe's own pace: stable over restarts, and spread, so that not all probes run at once.
fn next_turn(probe: &Probe, now: Timestamp) -> Timestamp {
    let interval = probe.interval.as_micros().max(1_000);
    let name = Labels::from_pairs([("probe", probe.name.as_str())]).fingerprint().0;
    let offset = i64::try_from(name % interval.unsigned_abs()).unwrap_or(0);
    let passed = (now.as_micros() - offset).rem_euclid(interval);
    now + Span::from_micros(interval - passed)
}

/// Probes hold secrets, which cannot be compared by design; their debug text names the references.
fn same(a: &Probe, b: &Probe) -> bool {
    format!("{a:?}") == format!("{b:?}")
}
