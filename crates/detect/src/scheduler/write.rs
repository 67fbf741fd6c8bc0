//! What a pass writes: signals to the alerts, the rules' rows, the ledger, in one transaction.
//!
//! Not the decisions: those were made in `pass`.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use watchkeeper_domain::ids::AlertId;
use watchkeeper_domain::{Actor, Category, Priority, Signal, Timestamp, Verdict};
use watchkeeper_state::ledger;
use watchkeeper_state::{Entry, State, StateError, Tx};

use super::Scheduler;
use super::pass::{Changes, Move};
use super::rows;
use super::runtime::{Instance, Orphan};
use crate::compiled::{ALERT_NAME, Compiled, Rendering};
use crate::evidence;
use crate::rule::{Change, InstanceState};

/// What came of a write.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// The alert of a move, by the move's place.
    pub(super) alert_ids: BTreeMap<usize, AlertId>,
}

impl Scheduler {
    /// Writes what changed; does not touch the database when nothing did.
    pub(super) async fn write(&self, changes: &Changes) -> Result<Written, StateError> {
        if changes.nothing_to_write() {
            return Ok(Written::default());
        }
        let now = self.env.now();
        // Queries come before the transaction: it holds the only writer.
        let (places, signals) = self.signals(changes, now).await;
        let (tx, written) = self.put(changes, &places, &signals, now).await?;
        if signals.is_empty() {
            State::commit(tx).await?;
            return Ok(written);
        }
        let written = match self.sink.carry_on(tx).await {
            Ok(tx) => {
                State::commit(tx).await?;
                written
            }
            Err(error) => {
                // What was found must not be lost to a defect further on: the reconcilers meet it again, by themselves.
                tracing::error!(%error, "what was found could not be carried on at once; it is written down alone");
                let (tx, written) = self.put(changes, &places, &signals, now).await?;
                State::commit(tx).await?;
                written
            }
        };
        self.sink.committed();
        Ok(written)
    }

    /// One transaction with everything that changed, not committed.
    async fn put(
        &self,
        changes: &Changes,
        places: &[Option<usize>],
        signals: &[Signal],
        now: Timestamp,
    ) -> Result<(Tx, Written), StateError> {
        let mut tx = self.state.write().await?;
        let mut written = Written::default();
        if !signals.is_empty() {
            let ids = self.sink.record(&mut tx, signals).await?;
            let of_moves = places.iter().zip(ids).filter_map(|(place, id)| Some(((*place)?, id?)));
            written.alert_ids = of_moves.collect();
        }
        for orphan in &changes.orphans {
            let instance = Instance { state: InstanceState::Inactive, ..orphan.instance.clone() };
            rows::save(&mut tx, &orphan.rule_id, &instance, now).await?;
            ledger::append(&mut tx, orphan_entry(orphan, now)).await?;
        }
        for (place, m) in changes.moves.iter().enumerate() {
            let alert_id = written.alert_ids.get(&place).copied().or(m.instance.alert_id);
            if m.write || alert_id != m.instance.alert_id {
                let instance = Instance { alert_id, ..m.instance.clone() };
                rows::save(&mut tx, &m.rule.rule.id, &instance, m.at).await?;
            }
            if let Some(entry) = entry(m, alert_id) {
                ledger::append(&mut tx, entry).await?;
            }
        }
        for (rule, health, _) in changes.healths.iter().filter(|(_, _, write)| *write) {
            rows::save_health(&mut tx, &rule.rule.id, health, now).await?;
        }
        for rule_id in &changes.forgotten {
            rows::delete_health(&mut tx, rule_id).await?;
        }
        Ok((tx, written))
    }

    /// The signals, with the place of the move that each belongs to; orphans first, since a new alert may follow an old one.
    async fn signals(&self, changes: &Changes, now: Timestamp) -> (Vec<Option<usize>>, Vec<Signal>) {
        let orphans = changes.orphans.iter().filter(|o| o.instance.state.is_firing());
        let mut places = Vec::new();
        let mut signals: Vec<Signal> = orphans.map(|orphan| orphan_signal(orphan, now)).collect();
        places.resize(signals.len(), None);
        let mut courses = BTreeMap::new();
        for (place, m) in changes.moves.iter().enumerate() {
            let Some(verdict) = verdict(m) else { continue };
            let mut proof = json!({});
            if let (Verdict::Firing, Ok(plan)) = (&verdict, &m.rule.plan) {
                let id = m.rule.rule.id.as_str();
                if !courses.contains_key(id) {
                    let course = self.limited(m.at, async {
                        Ok(evidence::fetch(&*self.query, plan, m.rule.moment(m.at), m.cost).await)
                    });
                    courses.insert(id, course.await.unwrap_or_else(|e| Err(e.to_string())));
                }
                if let Some(course) = courses.get(id) {
                    proof = evidence::of(plan, course, &m.identity, |labels| m.rule.identity(labels));
                }
            }
            places.push(Some(place));
            signals.push(signal(m, verdict, proof));
        }
        (places, signals)
    }
}

fn verdict(m: &Move) -> Option<Verdict> {
    let transition = m.transition.as_ref()?;
    match transition.change {
        Change::Pending | Change::Inactive => None,
        Change::Firing | Change::Known => Some(Verdict::Firing),
        Change::Resolved => Some(Verdict::Resolved),
        Change::Unknown(_) => Some(Verdict::Unknown { reason: transition.reason.clone() }),
    }
}

fn signal(m: &Move, verdict: Verdict, evidence: Value) -> Signal {
    let (rule, instance) = (&m.rule, &m.instance);
    let (threshold, comparison) = compared(rule);
    let rendering = Rendering { at: m.at, answers: &m.answers };
    Signal {
        source: "rule".into(),
        rule_id: Some(rule.rule.id.clone()),
        name: rule.rule.name.clone(),
        labels: instance.labels.clone(),
        annotations: rule.annotations(&instance.labels, instance.value, rendering),
        category: rule.category(),
        priority: rule.priority(),
        verdict,
        value: instance.value,
        expr: Some(rule.rule.expr.clone()),
        threshold,
        comparison,
        started_at: m.active_at,
        at: m.at,
        evidence,
        reason: m.transition.as_ref().map(|t| t.reason.clone()).unwrap_or_default(),
    }
}

fn orphan_signal(orphan: &Orphan, now: Timestamp) -> Signal {
    let labels = orphan.instance.labels.clone();
    Signal {
        source: "rule".into(),
        rule_id: Some(orphan.rule_id.clone()),
        name: labels.get(ALERT_NAME).unwrap_or_default().to_owned(),
        labels,
        annotations: BTreeMap::new(),
        // Its rule is gone, and with it what it said of these; the alert's own row knows.
        category: Category::Application,
        priority: Priority::Medium,
        verdict: Verdict::Resolved,
        value: orphan.instance.value,
        expr: None,
        threshold: None,
        comparison: None,
        started_at: orphan.instance.state.active_at().unwrap_or(now),
        at: now,
        evidence: json!({}),
        reason: orphan.reason.to_owned(),
    }
}

fn compared(rule: &Compiled) -> (Option<f64>, Option<String>) {
    let comparison = rule.plan.as_ref().ok().and_then(|p| p.comparison.as_ref());
    (comparison.map(|c| c.threshold), comparison.map(|c| c.op.sign().to_owned()))
}

fn entry(m: &Move, alert: Option<AlertId>) -> Option<Entry> {
    let transition = m.transition.as_ref()?;
    let kind = match transition.change {
        Change::Pending => "rule.pending",
        Change::Inactive => "rule.inactive",
        Change::Firing | Change::Known => "rule.firing",
        Change::Resolved => "rule.resolved",
        Change::Unknown(_) => "rule.unknown",
    };
    let rule_id = &m.rule.rule.id;
    let (threshold, comparison) = compared(&m.rule);
    let data = json!({
        "labels": m.instance.labels,
        "value": m.instance.value,
        "threshold": threshold,
        "comparison": comparison,
        "reason": transition.reason,
    });
    let mut entry = fact(m.at, kind, rule_id, &m.instance.fingerprint, data);
    entry.alert = alert;
    Some(entry)
}

fn orphan_entry(orphan: &Orphan, now: Timestamp) -> Entry {
    let kind = if orphan.instance.state.is_firing() { "rule.resolved" } else { "rule.inactive" };
    let data = json!({ "labels": orphan.instance.labels, "value": orphan.instance.value, "reason": orphan.reason });
    let mut entry = fact(now, kind, &orphan.rule_id, &orphan.instance.fingerprint, data);
    entry.alert = orphan.instance.alert_id;
    entry
}

fn fact(at: Timestamp, kind: &'static str, rule_id: &str, fingerprint: &str, data: Value) -> Entry {
    Entry::new(at, kind, Actor::Rule(rule_id.to_owned()), format!("{rule_id}/{fingerprint}")).data(data)
}
