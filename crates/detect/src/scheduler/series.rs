//! Writes `ALERTS` and `ALERTS_FOR_STATE` after a pass, and marks series as ended that nothing writes any more.
//!
//! Not a part of the pass's transaction: these are telemetry about it, and a failure to write them holds no alert back. What
//! was not written is written by the next evaluation. Written when something changed, else once per interval of the group, as
//! often as Prometheus does. Alerts of security rules are not written: more people may read telemetry than see those.

use std::collections::{BTreeMap, BTreeSet};

use watchkeeper_domain::telemetry::{Batch, STALE_NAN_BITS, Sample, SeriesSamples};
use watchkeeper_domain::{Category, Labels, Span, Timestamp};

use super::Scheduler;
use super::runtime::RuleRun;
use crate::active;

/// What a rule's series of alerts become.
pub(super) struct Written {
    rule_id: String,
    active: BTreeMap<Labels, f64>,
    /// Those that are no more.
    gone: Vec<Labels>,
    /// When it was evaluated.
    at: Timestamp,
    /// The moment that the evaluation looked at, which the samples bear.
    moment: Timestamp,
}

/// The series of a rule's alerts as they should be.
pub(super) fn active_of(run: &RuleRun) -> BTreeMap<Labels, f64> {
    if run.rule.is_recording() || run.rule.category() == Category::Security {
        return BTreeMap::new();
    }
    active::all(&run.rule.rule.name, run.instances.values().map(|i| (&i.labels, &i.state)))
}

/// What is to be written of a rule that was evaluated; none when nothing changed and it was written a short while ago.
pub(super) fn due(run: &RuleRun, interval: Span, at: Timestamp) -> Option<Written> {
    if run.instances.is_empty() && run.active.is_empty() {
        return None;
    }
    let active = active_of(run);
    let again = !active.is_empty() && run.active_at.is_none_or(|last| at.since(last) >= interval);
    if active == run.active && !again {
        return None;
    }
    let gone = run.active.keys().filter(|labels| !active.contains_key(labels)).cloned().collect();
    Some(Written { rule_id: run.rule.rule.id.clone(), active, gone, at, moment: run.rule.moment(at) })
}

impl Scheduler {
    /// Writes the series of rules that were just evaluated, and the ends of those of rules that are no more.
    pub(super) async fn write_series(&self, writes: Vec<Written>, now: Timestamp) {
        let ended = std::mem::take(&mut self.runtime.lock().ended);
        if writes.is_empty() && ended.is_empty() {
            return;
        }
        let stale = f64::from_bits(STALE_NAN_BITS);
        let mut series: Vec<SeriesSamples> = Vec::new();
        for write in &writes {
            series.extend(write.gone.iter().map(|labels| one(labels, write.moment, stale)));
            series.extend(write.active.iter().map(|(labels, v)| one(labels, write.moment, *v)));
        }
        let taken: BTreeSet<Labels> = series.iter().map(|one| one.labels.clone()).collect();
        series.extend(self.gone(&ended, &taken).iter().map(|labels| one(labels, now, stale)));
        if series.is_empty() {
            return;
        }
        if let Err(error) = self.telemetry.append(Batch { series, ..Batch::default() }).await {
            tracing::warn!(%error, "the series `ALERTS` could not be written; the next evaluation tries again");
            self.runtime.lock().ended.extend(ended);
            return;
        }
        let mut writes: BTreeMap<String, Written> = writes.into_iter().map(|w| (w.rule_id.clone(), w)).collect();
        let mut runtime = self.runtime.lock();
        for run in runtime.groups.iter_mut().flat_map(|g| &mut g.rules) {
            if let Some(write) = writes.remove(&run.rule.rule.id) {
                (run.active, run.active_at) = (write.active, Some(write.at));
            }
        }
    }

    /// Those of `ended` that no other rule has taken over.
    fn gone(&self, ended: &BTreeSet<Labels>, taken: &BTreeSet<Labels>) -> Vec<Labels> {
        if ended.is_empty() {
            return Vec::new();
        }
        let runtime = self.runtime.lock();
        let alive: BTreeSet<&Labels> = runtime.rules().flat_map(|r| r.recorded.iter().chain(r.active.keys())).collect();
        ended.iter().filter(|labels| !alive.contains(labels) && !taken.contains(labels)).cloned().collect()
    }
}

fn one(labels: &Labels, at: Timestamp, v: f64) -> SeriesSamples {
    SeriesSamples { labels: labels.clone(), samples: vec![Sample { t: at.as_millis(), v }], start: None }
}
