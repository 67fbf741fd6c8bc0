//! One rule's life over the past: looks at it at every moment at which something could change.
//!
//! Not its meaning: what is asked, what that means for each instance, and what an instance does next are `findings`,
//! `judge` and `rule`, as in the scheduler. Here is only when to look, and what is noted.
//!
//! A moment need not be looked at when nothing that the rule asked has changed since the last look, that look left
//! everything as it was, and no `for`, `keep_firing_for` or absence has run out: the same look would be taken again.

use std::collections::BTreeMap;

use watchkeeper_config::model::OnNoData;
use watchkeeper_domain::query::{Query, QueryError};
use watchkeeper_domain::{Labels, Timestamp};
use watchkeeper_lang::go_template::Answers;

use super::grid::Grid;
use super::replay::Replay;
use super::{BacktestError, Firing, NotKnown};
use crate::compiled::{Compiled, Rendering};
use crate::findings;
use crate::judge::{self, Seen};
use crate::plan::Plan;
use crate::rule::{Cause, Change, InstanceState, Observation, Transition, step};

/// How many firings and unknown periods are told one by one; all of them count.
pub(super) const MOST_TOLD: usize = 5_000;

/// What happens on the way, in the order of time.
pub(super) trait Witness {
    /// An alert ended, or goes on at the end.
    fn fired(&mut self, firing: &Firing);
}

/// A rule on its way.
pub(super) struct Walk<'a> {
    rule: &'a Compiled,
    plan: &'a Plan,
    instances: BTreeMap<Labels, Instance>,
    pub(super) noted: Noted,
}

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct Noted {
    /// The first ones, in the order in which they ended.
    pub(super) firings: Vec<Firing>,
    /// All of them.
    pub(super) fired: u64,
    /// Times at which at least one alert was on, oldest first; the last one may still be open.
    pub(super) pages: Vec<(Timestamp, Option<Timestamp>)>,
    /// Conditions that ended before they had held for long enough.
    pub(super) not_held: u64,
    /// Times at which nothing was known of the rule as a whole.
    pub(super) unknown: Vec<NotKnown>,
    /// How many series the rule compared at most.
    pub(super) series: usize,
    /// How often the rule was evaluated.
    pub(super) looks: u64,
}

#[derive(Debug, Clone)]
struct Instance {
    state: InstanceState,
    labels: Labels,
    value: Option<f64>,
    /// The value when it fired, and how long it was unknown since.
    fired_value: Option<f64>,
    unknown_since: Option<Timestamp>,
    unknown_micros: i64,
}

impl<'a> Walk<'a> {
    pub(super) fn new(rule: &'a Compiled, plan: &'a Plan) -> Self {
        Self { rule, plan, instances: BTreeMap::new(), noted: Noted::default() }
    }

    /// Goes through a part of the past.
    pub(super) async fn through(
        &mut self,
        replay: &Replay<'_>,
        grid: Grid,
        witness: &mut (dyn Witness + Send),
    ) -> Result<(), BacktestError> {
        let mut at = 0;
        while at < grid.steps {
            let moved = self.look(replay, grid.at(at), witness).await?;
            let due = self.instances.values().filter_map(|i| i.state.due(&self.rule.timing));
            let due = due.min().map(|due| grid.not_before(due).max(at + 1));
            at = match moved {
                true => at + 1,
                false => replay.next_change(at).into_iter().chain(due).min().unwrap_or(grid.steps),
            };
        }
        Ok(())
    }

    /// Looks once. Tells whether anything moved.
    async fn look(
        &mut self,
        replay: &Replay<'_>,
        at: Timestamp,
        witness: &mut (dyn Witness + Send),
    ) -> Result<bool, BacktestError> {
        replay.begin();
        self.noted.looks += 1;
        let rule = self.rule;
        let known: Vec<Labels> = self.instances.keys().cloned().collect();
        let identity = |labels: &Labels| rule.identity(labels);
        let on_no_data = rule.on_no_data();
        let silence_matters = on_no_data != OnNoData::Ok;
        let found = findings::evaluate(replay, self.plan, &known, &identity, at, silence_matters).await;
        if let Err(QueryError::Unavailable(reason)) = found {
            return Err(BacktestError::Unavailable(reason));
        }
        let silent = self.is_silent(replay, &found, at).await?;
        let judgement = judge::judge(found, &known, &identity, on_no_data, || NO_DATA.to_owned());
        self.noted.series = self.noted.series.max(judgement.series_seen);
        let unknown = judgement.unknown.or_else(|| silent.then(|| (Cause::NoData, NO_DATA.to_owned())));
        let mut moved = self.note_unknown(unknown, at);
        let were_firing = self.firing();
        for seen in judgement.seen {
            moved |= self.step(seen, at, witness);
        }
        self.note_page(were_firing, at);
        Ok(moved)
    }

    /// Whether nothing that the rule selects is reported, whatever the rule says that this means.
    async fn is_silent(
        &self,
        replay: &dyn Query,
        found: &Result<findings::Findings, QueryError>,
        at: Timestamp,
    ) -> Result<bool, BacktestError> {
        let Ok(found) = found else { return Ok(false) };
        if !found.holds.is_empty() || !found.compared.is_empty() {
            return Ok(false);
        }
        let present = match &found.present {
            Some(present) => present.clone(),
            None => match findings::evaluate(replay, self.plan, &[], &Labels::clone, at, true).await {
                Ok(found) if found.compared.is_empty() => found.present.unwrap_or_default(),
                Ok(_) => return Ok(false),
                Err(QueryError::Unavailable(reason)) => return Err(BacktestError::Unavailable(reason)),
                Err(_) => return Ok(false),
            },
        };
        Ok(present.groups.is_empty())
    }

    fn step(&mut self, seen: Seen, at: Timestamp, witness: &mut (dyn Witness + Send)) -> bool {
        let before = self.instances.remove(&seen.identity);
        let inactive = InstanceState::Inactive;
        let value = match seen.observation {
            Observation::True { value } | Observation::False { value } => value,
            Observation::Unknown { .. } => None,
        };
        let state = before.as_ref().map_or(&inactive, |i| &i.state);
        let (state, transition) = step(state, seen.observation, at, &self.rule.timing);
        let moved = before.as_ref().map_or(&inactive, |i| &i.state) != &state;
        let mut instance = before.unwrap_or_else(|| Instance {
            state: InstanceState::Inactive,
            // Texts that ask queries stay without their answers here: a query for each instance of 30 days would cost more
            // than the backtest itself.
            labels: self.rule.alert_labels(&seen.labels, value, Rendering { at, answers: &Answers::new() }),
            value: None,
            fired_value: None,
            unknown_since: None,
            unknown_micros: 0,
        });
        let was = std::mem::replace(&mut instance.state, state);
        instance.value = value.or(instance.value);
        if let Some(transition) = transition {
            self.note(&mut instance, &was, &transition, at, witness);
        }
        if instance.state != InstanceState::Inactive {
            self.instances.insert(seen.identity, instance);
        }
        moved
    }

    fn note(
        &mut self,
        instance: &mut Instance,
        was: &InstanceState,
        transition: &Transition,
        at: Timestamp,
        witness: &mut (dyn Witness + Send),
    ) {
        match transition.change {
            Change::Pending => {}
            Change::Inactive => self.noted.not_held += 1,
            Change::Firing => instance.fired_value = instance.value,
            Change::Unknown(_) => {
                instance.unknown_since.get_or_insert(at);
            }
            Change::Known => instance.known_again(at),
            Change::Resolved => {
                instance.known_again(at);
                self.tell(instance, was, Some((at, transition.reason.clone())), witness);
            }
        }
    }

    fn tell(
        &mut self,
        instance: &Instance,
        state: &InstanceState,
        ended: Option<(Timestamp, String)>,
        witness: &mut (dyn Witness + Send),
    ) {
        let InstanceState::Firing { active_at, fired_at, .. } = *state else { return };
        let (resolved_at, reason) = ended.unzip();
        let firing = Firing {
            labels: instance.labels.clone(),
            active_at,
            fired_at,
            resolved_at,
            reason,
            value: instance.fired_value,
            unknown: watchkeeper_domain::Span::from_micros(instance.unknown_micros),
        };
        witness.fired(&firing);
        self.noted.fired += 1;
        if self.noted.firings.len() < MOST_TOLD {
            self.noted.firings.push(firing);
        }
    }

    fn firing(&self) -> bool {
        self.instances.values().any(|i| i.state.is_firing())
    }

    fn note_page(&mut self, were_firing: bool, at: Timestamp) {
        match (were_firing, self.firing()) {
            (false, true) => self.noted.pages.push((at, None)),
            (true, false) => {
                if let Some((_, end)) = self.noted.pages.last_mut() {
                    *end = Some(at);
                }
            }
            _ => {}
        }
    }

    /// Tells whether it is known of another reason than before.
    fn note_unknown(&mut self, unknown: Option<(Cause, String)>, at: Timestamp) -> bool {
        let open = self.noted.unknown.last_mut().filter(|u| u.end.is_none());
        match (open, unknown) {
            (None, None) => false,
            (Some(open), Some((cause, _))) if open.cause == cause => false,
            (open, unknown) => {
                if let Some(open) = open {
                    open.end = Some(at);
                }
                self.noted.unknown.extend(unknown.map(|(cause, reason)| NotKnown {
                    start: at,
                    end: None,
                    cause,
                    reason,
                }));
                true
            }
        }
    }

    /// What is on at the end is told without an end.
    pub(super) fn finish(mut self, end: Timestamp, witness: &mut (dyn Witness + Send)) -> Noted {
        for mut instance in std::mem::take(&mut self.instances).into_values() {
            instance.known_again(end);
            let state = instance.state.clone();
            self.tell(&instance, &state, None, witness);
        }
        self.noted
    }
}

impl Instance {
    fn known_again(&mut self, at: Timestamp) {
        if let Some(since) = self.unknown_since.take() {
            self.unknown_micros += at.since(since).as_micros();
        }
    }
}

/// The scheduler says more, from the names that there are now.
const NO_DATA: &str = "nothing that the rule selects was being reported";
