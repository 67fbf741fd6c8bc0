//! What an escalation does next. Pure: its progress and an event in, its progress and effects out.
//!
//! Not carrying anything out: the reconciler does, in one transaction with the new progress.

use watchkeeper_config::model::EscalationPolicy;
use watchkeeper_domain::{Span, Timestamp};

/// Where an escalation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// People are being called.
    Paging,
    /// A silence or an inhibition holds all of it back.
    Held,
    /// Somebody has it.
    Acknowledged,
    /// Everybody was called as often as the policy says, and nobody answered.
    Exhausted,
    /// It is over.
    Resolved,
}

impl Phase {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Paging, Self::Held, Self::Acknowledged, Self::Exhausted, Self::Resolved];

    /// The word in rows and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Paging => "paging",
            Self::Held => "held",
            Self::Acknowledged => "acknowledged",
            Self::Exhausted => "exhausted",
            Self::Resolved => "resolved",
        }
    }
}

/// How far an escalation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Where it stands.
    pub phase: Phase,
    /// The step that comes next, from 0.
    pub step: usize,
    /// How often it has started over.
    pub round: u32,
    /// When the next step is taken, while it is paging.
    pub due_at: Option<Timestamp>,
    /// When people are next reminded, while it is acknowledged.
    pub remind_at: Option<Timestamp>,
}

impl Progress {
    /// Nobody was called yet.
    #[must_use]
    pub fn new() -> Self {
        Self { phase: Phase::Held, step: 0, round: 0, due_at: None, remind_at: None }
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

/// What the alerts, or the incident, say now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// It goes on and nobody has it.
    Unowned,
    /// It goes on, nobody has it, and all of it is muted.
    Muted,
    /// Somebody has it.
    Owned,
    /// It is over.
    Over,
}

/// What happens to an escalation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// This is how things are.
    Is(Condition),
    /// Something new is to be told about it.
    News,
    /// Time has passed.
    Time,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Call those of a step.
    Call {
        /// Which.
        step: usize,
        /// In which round, from 0.
        round: u32,
    },
    /// A step that reaches nobody is passed over.
    PassOver {
        /// Which.
        step: usize,
    },
    /// What waits to be sent is not sent any more.
    CallOff,
    /// Remind people that it is not resolved.
    Remind,
    /// Nobody answered, and nobody is left.
    GiveUp,
    /// It is over: those who were called may know.
    End,
}

/// Decides. `reaches` says whether a step would reach anybody now.
#[must_use]
pub fn step(
    policy: &EscalationPolicy,
    progress: Progress,
    event: Event,
    now: Timestamp,
    reaches: &dyn Fn(usize) -> bool,
) -> (Progress, Vec<Effect>) {
    let mut next = progress;
    let quiet = |phase| Progress { phase, due_at: None, remind_at: None, ..progress };
    match (event, progress.phase) {
        (_, Phase::Resolved) => (progress, Vec::new()),
        (Event::Is(Condition::Over), _) => (quiet(Phase::Resolved), vec![Effect::CallOff, Effect::End]),
        (Event::Is(Condition::Owned), Phase::Acknowledged) => (progress, Vec::new()),
        (Event::Is(Condition::Owned), _) => {
            next = quiet(Phase::Acknowledged);
            next.remind_at = policy.remind_after.map(|after| now + after);
            (next, vec![Effect::CallOff])
        }
        // Who has it goes on having it, muted or not.
        (Event::Is(Condition::Muted), Phase::Held | Phase::Acknowledged) => (progress, Vec::new()),
        (Event::Is(Condition::Muted), _) => (quiet(Phase::Held), vec![Effect::CallOff]),
        (Event::Is(Condition::Unowned), Phase::Paging | Phase::Exhausted) => (progress, Vec::new()),
        // It is news when it begins, is heard again, or belongs to nobody any more: from the first step.
        (Event::Is(Condition::Unowned), _) | (Event::News, Phase::Exhausted) => call(policy, 0, 0, now, reaches),
        (Event::News, _) => (progress, Vec::new()),
        (Event::Time, Phase::Paging) if progress.due_at.is_some_and(|due| due <= now) => {
            call(policy, progress.step, progress.round, now, reaches)
        }
        (Event::Time, Phase::Acknowledged) if progress.remind_at.is_some_and(|due| due <= now) => {
            next.remind_at = policy.remind_after.map(|after| now + after);
            (next, vec![Effect::Remind])
        }
        (Event::Time, _) => (progress, Vec::new()),
    }
}

/// Calls the first step from `from` on that reaches anybody. The wait for an answer begins when people are called, also
/// when that is late: nobody answers a call that was not made.
fn call(
    policy: &EscalationPolicy,
    from: usize,
    round: u32,
    now: Timestamp,
    reaches: &dyn Fn(usize) -> bool,
) -> (Progress, Vec<Effect>) {
    let mut effects = Vec::new();
    let (mut at, mut round) = (from, round);
    // Once around without anybody: what reaches nobody now reaches nobody a microsecond later.
    for _ in 0..policy.steps.len() {
        if at >= policy.steps.len() {
            if round >= policy.repeat {
                break;
            }
            (at, round) = (0, round + 1);
        }
        if reaches(at) {
            effects.push(Effect::Call { step: at, round });
            return (paging(at + 1, round, now + delay(policy, at)), effects);
        }
        effects.push(Effect::PassOver { step: at });
        at += 1;
    }
    if at >= policy.steps.len() && round >= policy.repeat {
        effects.push(Effect::GiveUp);
        return (Progress { phase: Phase::Exhausted, step: at, round, due_at: None, remind_at: None }, effects);
    }
    // The next round may reach somebody: a shift may have begun.
    let wait = delay(policy, policy.steps.len().saturating_sub(1));
    (paging(at, round, now + wait), effects)
}

fn paging(step: usize, round: u32, due: Timestamp) -> Progress {
    Progress { phase: Phase::Paging, step, round, due_at: Some(due), remind_at: None }
}

fn delay(policy: &EscalationPolicy, at: usize) -> Span {
    policy.steps.get(at).map_or(Span::from_secs(300), |step| step.delay)
}

#[cfg(test)]
mod tests;
