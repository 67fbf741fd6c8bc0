//! What the scheduler keeps in memory: groups, their rules, the rules' instances, and when each is due.
//!
//! No IO and no locks: `scheduler` owns the lock, `pass` does the work. The rows are the truth after a restart; this is
//! the truth while it runs, changed only after the rows were committed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use watchkeeper_config::model::Evaluation;
use watchkeeper_domain::ids::AlertId;
use watchkeeper_domain::{Labels, Span, Timestamp};
use watchkeeper_lang::go_template::Answers;

use super::index::{Dirty, Index};
use crate::compiled::Compiled;
use crate::rule::{Cause, InstanceState};

/// How much longer than its evaluation a group rests: evaluation then costs at most a twentieth of one core.
const REST: i64 = 20;
/// A window that slides is looked at this many times per length.
const LOOKS_PER_WINDOW: i64 = 60;
/// A wall clock that moved this much more or less than time passed was set.
const CLOCK_SET: i64 = 2_000_000;

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Runtime {
    pub(super) groups: Vec<Group>,
    /// Instances of rules that are no more: their alerts end.
    pub(super) orphans: Vec<Orphan>,
    /// Rules that are no more.
    pub(super) forgotten: Vec<String>,
    /// Series that nothing writes any more: they are marked as ended.
    pub(super) ended: BTreeSet<Labels>,
    pub(super) coalesce: Span,
    /// The two clocks at the last look.
    clocks: Option<(Timestamp, Duration)>,
}

/// An instance without a rule.
#[derive(Debug, Clone)]
pub(super) struct Orphan {
    pub(super) rule_id: String,
    pub(super) instance: Instance,
    pub(super) reason: &'static str,
}

/// A rule group.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) interval: Span,
    /// When the last evaluation began.
    pub(super) started: Option<Timestamp>,
    /// What it cost.
    pub(super) cost: Span,
    pub(super) rules: Vec<RuleRun>,
}

/// A rule as it runs.
#[derive(Debug)]
pub(super) struct RuleRun {
    pub(super) rule: Arc<Compiled>,
    pub(super) dirty: Dirty,
    pub(super) due: Timestamp,
    /// By what identifies them within the rule.
    pub(super) instances: BTreeMap<Labels, Instance>,
    pub(super) health: Health,
    /// Whether there is a row of its health.
    pub(super) stored: bool,
    pub(super) last: Option<LastEvaluation>,
    /// The last evaluations, the newest at the end.
    pub(super) past: VecDeque<PastEvaluation>,
    pub(super) evaluations: u64,
    pub(super) failures: u64,
    /// What a recording rule wrote the last time.
    pub(super) recorded: BTreeSet<Labels>,
    /// The series of its alerts as they were written the last time, and when that was.
    pub(super) active: BTreeMap<Labels, f64>,
    pub(super) active_at: Option<Timestamp>,
    /// To the queries of its templates, of the last evaluation.
    pub(super) answers: Arc<Answers>,
    /// Its expression was changed and not yet evaluated: what it does not find any more ends.
    pub(super) changed: bool,
}

/// How many evaluations of a rule are remembered.
const REMEMBERED: usize = 30;

/// One evaluation, for people.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PastEvaluation {
    /// When.
    pub at: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// How many series it saw.
    pub series_seen: usize,
    /// How the rule stood after it.
    pub standing: Standing,
}

/// The last evaluation.
#[derive(Debug, Clone, Copy)]
pub(super) struct LastEvaluation {
    pub(super) at: Timestamp,
    pub(super) duration: Duration,
    pub(super) series_seen: usize,
}

/// One label set of a rule that is not inactive.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Instance {
    /// The alert's labels.
    pub(super) labels: Labels,
    /// Of the alert's labels.
    pub(super) fingerprint: String,
    pub(super) state: InstanceState,
    pub(super) value: Option<f64>,
    pub(super) alert_id: Option<AlertId>,
}

/// How a rule stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Health {
    pub(super) standing: Standing,
    /// Why it is unknown; a change of wording alone is not written down.
    pub(super) cause: Option<Cause>,
    pub(super) reason: String,
    pub(super) since: Timestamp,
}

/// A rule's state: the worst of its instances, or unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// There is data, and the condition does not hold.
    Ok,
    /// The condition holds, not yet for long enough.
    Pending,
    /// An alert is on.
    Firing,
    /// Nobody can tell.
    Unknown,
}

impl Standing {
    const ALL: [Self; 4] = [Self::Ok, Self::Pending, Self::Firing, Self::Unknown];

    /// The word used in rows and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Unknown => "unknown",
        }
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.as_str() == word)
    }
}

impl RuleRun {
    pub(super) fn new(rule: Arc<Compiled>, now: Timestamp) -> Self {
        let reason = "not evaluated yet".to_owned();
        Self {
            rule,
            dirty: Dirty::default(),
            due: now,
            instances: BTreeMap::new(),
            health: Health { standing: Standing::Unknown, cause: None, reason, since: now },
            stored: false,
            last: None,
            past: VecDeque::new(),
            evaluations: 0,
            failures: 0,
            recorded: BTreeSet::new(),
            active: BTreeMap::new(),
            active_at: None,
            answers: Arc::default(),
            changed: false,
        }
    }

    /// When it must be looked at after an evaluation at `at`, even if nothing arrives.
    pub(super) fn next_due(&self, at: Timestamp, interval: Span, cost: Span) -> Timestamp {
        let slide = self.rule.plan.as_ref().ok().filter(|plan| plan.time_dependent).map(|plan| {
            let wanted = Span::from_millis(plan.lookback_ms / LOOKS_PER_WINDOW).max(Span::from_secs(1));
            at + wanted.max(rest(cost)).min(interval)
        });
        let timers = self.instances.values().filter_map(|i| i.state.due(&self.rule.timing));
        let soonest = timers.chain(slide).chain([at + interval]).min().unwrap_or(at + interval);
        soonest.max(at + Span::from_millis(1))
    }

    /// Notes an evaluation.
    pub(super) fn evaluated(&mut self, last: LastEvaluation) {
        if self.past.len() >= REMEMBERED {
            self.past.pop_front();
        }
        let LastEvaluation { at, duration, series_seen } = last;
        self.past.push_back(PastEvaluation { at, duration, series_seen, standing: self.health.standing });
        self.evaluations += 1;
        self.last = Some(last);
    }

    fn is_dirty(&self) -> bool {
        self.dirty.load(Ordering::Acquire)
    }
}

fn rest(cost: Span) -> Span {
    Span::from_micros(cost.as_micros().saturating_mul(REST))
}

impl Group {
    /// When one of its rules is due: at once when something arrived and the group has rested, else at the first timer.
    pub(super) fn due(&self, coalesce: Span) -> Option<Timestamp> {
        let arrived = self.rules.iter().any(RuleRun::is_dirty).then(|| match self.started {
            Some(started) => started + coalesce.min(rest(self.cost)).max(Span::from_millis(1)),
            None => Timestamp::from_micros(0),
        });
        arrived.into_iter().chain(self.rules.iter().map(|r| r.due)).min()
    }

    /// The rules to evaluate now, by index; takes their flags down.
    pub(super) fn take_due(&mut self, coalesce: Span, now: Timestamp) -> Vec<usize> {
        if self.due(coalesce).is_none_or(|due| due > now) {
            return Vec::new();
        }
        // A timer that is due takes along what has arrived: one evaluation serves both.
        let due = self.rules.iter_mut().enumerate();
        due.filter_map(|(i, rule)| (rule.dirty.swap(false, Ordering::AcqRel) || rule.due <= now).then_some(i)).collect()
    }
}

impl Runtime {
    /// Takes over a configuration. What did not change goes on as if nothing had happened.
    pub(super) fn apply(
        &mut self,
        groups: Vec<(String, Span, Vec<Arc<Compiled>>)>,
        evaluation: Evaluation,
        now: Timestamp,
    ) {
        self.coalesce = evaluation.coalesce;
        let mut before: BTreeMap<String, RuleRun> = BTreeMap::new();
        let mut pace: BTreeMap<String, (Option<Timestamp>, Span)> = BTreeMap::new();
        for group in self.groups.drain(..) {
            pace.insert(group.name, (group.started, group.cost));
            before.extend(group.rules.into_iter().map(|r| (r.rule.rule.id.clone(), r)));
        }
        for (name, interval, rules) in groups {
            let (started, cost) = pace.remove(&name).unwrap_or_default();
            let rules = rules
                .into_iter()
                .map(|rule| match before.remove(&rule.rule.id) {
                    Some(run) if run.rule.same(&rule) => run,
                    Some(run) => replace(run, rule, now, &mut self.orphans),
                    None => RuleRun::new(rule, now),
                })
                .map(|mut run| {
                    run.due = run.due.min(now + interval);
                    run
                })
                .collect();
            self.groups.push(Group { name, interval, started, cost, rules });
        }
        for (rule_id, run) in before {
            self.ended.extend(run.recorded.into_iter().chain(run.active.into_keys()));
            self.orphan(&rule_id, run.instances.into_values(), "the rule was removed");
            self.forgotten.push(rule_id);
        }
    }

    pub(super) fn orphan(&mut self, rule_id: &str, instances: impl Iterator<Item = Instance>, reason: &'static str) {
        self.orphans.extend(instances.map(|instance| Orphan { rule_id: rule_id.to_owned(), instance, reason }));
    }

    pub(super) fn index(&self) -> Index {
        let mut index = Index::default();
        for run in self.rules() {
            for selected in run.rule.plan.iter().flat_map(|plan| &plan.selected) {
                index.add(&selected.matchers, &run.dirty);
            }
        }
        index
    }

    pub(super) fn rules(&self) -> impl Iterator<Item = &RuleRun> {
        self.groups.iter().flat_map(|g| &g.rules)
    }

    pub(super) fn rule_mut(&mut self, id: &str) -> Option<&mut RuleRun> {
        self.groups.iter_mut().flat_map(|g| &mut g.rules).find(|r| r.rule.rule.id == id)
    }

    /// Compares the two clocks. When the wall clock was set, all moments move with it: neither `for` nor an interval
    /// passes because somebody set a clock.
    pub(super) fn notice_clock(&mut self, now: Timestamp, monotonic: Duration) {
        let Some((wall, before)) = self.clocks.replace((now, monotonic)) else { return };
        let passed = Span::from(monotonic.saturating_sub(before)).as_micros();
        let jump = now.as_micros().saturating_sub(wall.as_micros()).saturating_sub(passed);
        if jump.abs() < CLOCK_SET {
            return;
        }
        let by = |t: Timestamp| Timestamp::from_micros(t.as_micros().saturating_add(jump));
        for group in &mut self.groups {
            group.started = group.started.map(by);
            for run in &mut group.rules {
                run.due = by(run.due);
                run.instances.values_mut().for_each(|i| i.state.shift(by));
            }
        }
        tracing::warn!(jump_us = jump, "the clock was set; the rules' times move with it");
    }
}

/// A rule whose content changed. Alerts that are on stay on and are judged anew; what was pending for another
/// condition starts again; other labels make other alerts, so that the old ones end.
fn replace(run: RuleRun, rule: Arc<Compiled>, now: Timestamp, orphans: &mut Vec<Orphan>) -> RuleRun {
    let mut next = RuleRun::new(rule, now);
    let (old, new) = (&run.rule.rule, &next.rule.rule);
    let same_labels = old.labels == new.labels && old.name == new.name;
    let same_condition = old.expr == new.expr;
    next.changed = !same_condition;
    next.health = run.health;
    next.stored = run.stored;
    // What it goes on to write is not in here the next time; the rest ends.
    (next.recorded, next.active) = (run.recorded, run.active);
    for (identity, instance) in run.instances {
        if same_labels && (same_condition || instance.state.is_firing()) {
            next.instances.insert(identity, instance);
        } else {
            let reason =
                if same_labels { "the rule's expression was changed" } else { "the rule's labels were changed" };
            orphans.push(Orphan { rule_id: next.rule.rule.id.clone(), instance, reason });
        }
    }
    next
}
