//! When a group of alerts is told about, and what of it. Pure: rows in, a plan out.
//!
//! Not the writing: [`crate::pipeline`] applies the plan. The times, with Alertmanager's names:
//!
//! | what | when |
//! |---|---|
//! | first notification of a group | `group_wait` after it was made (30 s when the file says nothing) |
//! | a change of a group that was told | `group_interval` after the last notification |
//! | nothing changed and it still fires | `repeat_interval` after the last notification |
//!
//! Two exceptions hold while the file does not set `group_wait` itself, because a page must not wait for a digest:
//! a new alert of priority critical or high goes at once, also into a known group; and so does the all-clear, when the
//! last firing alert of a group with such an alert resolves.
//!
//! A file that sets `group_wait` gets Alertmanager's times to the letter: a known group speaks only at whole multiples of
//! `group_interval` after its last notification, also when it has long been quiet.
//!
//! Decided here as well:
//! - An alert that fires and resolves before its group was told is told as nothing, not as both: nobody can act on it.
//! - A silence and an inhibition hold back firing, never the end of something that was told. A route outside of its times
//!   says nothing at all, and the end when it speaks again.
//! - When somebody has acknowledged all firing alerts of a group, it is not repeated.

use watchkeeper_config::model::Route;
use watchkeeper_domain::{Span, Timestamp};

/// How long the first notification of a group waits when the file does not say.
pub const DEFAULT_GROUP_WAIT: Span = Span::from_secs(30);

/// Most changes told in one notification; what is over goes into the next one at once.
pub const MAX_CHANGES: usize = 500;

/// The times of a group's route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// As the file says it; none: the file does not.
    pub group_wait: Option<Span>,
    /// Between two notifications about changes.
    pub group_interval: Span,
    /// Until an unchanged group is told again.
    pub repeat_interval: Span,
}

impl From<&Route> for Timing {
    fn from(route: &Route) -> Self {
        Self {
            group_wait: route.group_wait,
            group_interval: route.group_interval,
            // Without a floor, a repeat interval of zero would tell the same thing as fast as the disk allows.
            repeat_interval: route.repeat_interval.max(Span::from_secs(1)),
        }
    }
}

impl Timing {
    /// When a change of a known group may be told.
    fn turn(self, last: Timestamp, changed_at: Timestamp) -> Timestamp {
        let interval = self.group_interval.as_micros();
        if self.group_wait.is_none() || interval == 0 {
            return last + self.group_interval;
        }
        let late = changed_at.since(last).as_micros();
        let turns = (late / interval + i64::from(late % interval > 0)).max(1);
        last + Span::from_micros(turns.saturating_mul(interval))
    }

    /// When an unchanged group that was told at `last` is told again.
    fn repeat(self, last: Timestamp) -> Timestamp {
        let due = last + self.repeat_interval;
        if self.group_wait.is_none() { due } else { self.turn(last, due) }
    }
}

/// What people were last told of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// Nothing yet.
    Nothing,
    /// That it fires.
    Firing,
}

/// Why an alert is held back now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// When that ends by itself; none: when something happens.
    pub until: Option<Timestamp>,
}

/// A member of a group, as far as timing is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Whether it fires.
    pub firing: bool,
    /// What people know.
    pub told: Told,
    /// Whether its priority wakes somebody.
    pub pages: bool,
    /// Whether somebody has acknowledged it.
    pub acknowledged: bool,
    /// Whether a silence, an inhibition or, also when it is over, the time of day holds it back.
    pub held: Option<Held>,
    /// Whether its route still leads into this group; after a reload it may not.
    pub routed: bool,
    /// When it joined the group, or, if it is over, when it resolved.
    pub changed_at: Timestamp,
}

/// Why a notification goes out now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Something fires that was not told yet.
    New,
    /// Something is over.
    Resolved,
    /// It still fires.
    Repeat,
}

/// What to do with a group. Numbers are places in the members given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Whether, and why, to tell now.
    pub tell: Option<Why>,
    /// Firing and not told before.
    pub fresh: Vec<usize>,
    /// Firing and told before.
    pub standing: Vec<usize>,
    /// Resolved, and its firing was told.
    pub over: Vec<usize>,
    /// Resolved without anybody having been told: forget it.
    pub forget: Vec<usize>,
    /// When to look again; none: when something happens.
    pub next_at: Option<Timestamp>,
}

/// When a firing alert that joins a group at `now` and is held back by nothing is told.
#[must_use]
pub fn due_when_joined(
    timing: Timing,
    created_at: Timestamp,
    last_flush_at: Option<Timestamp>,
    pages: bool,
    now: Timestamp,
) -> Timestamp {
    match last_flush_at {
        _ if timing.group_wait.is_none() && pages => now,
        None => created_at + timing.group_wait.unwrap_or(DEFAULT_GROUP_WAIT),
        Some(last) => timing.turn(last, now),
    }
}

/// Decides. `created_at` and `last_flush_at` are the group's.
#[must_use]
pub fn plan(
    timing: Timing,
    created_at: Timestamp,
    last_flush_at: Option<Timestamp>,
    members: &[Member],
    now: Timestamp,
) -> Plan {
    let places = |wanted: fn(&Member) -> bool| -> Vec<usize> {
        members.iter().enumerate().filter(|(_, member)| wanted(member)).map(|(at, _)| at).collect()
    };
    let speakable = |m: &Member| m.firing && m.held.is_none() && m.routed;
    let mut fresh = places(|m| m.firing && m.held.is_none() && m.routed && m.told == Told::Nothing);
    let standing = places(|m| m.firing && m.held.is_none() && m.routed && m.told == Told::Firing);
    let mut over = places(|m| !m.firing && m.told == Told::Firing && m.held.is_none());
    let forget = places(|m| !m.firing && m.told == Told::Nothing);

    let pages_at_once = |member: &Member| timing.group_wait.is_none() && member.pages;
    let change_due = |changed_at: Timestamp| match last_flush_at {
        None => created_at + timing.group_wait.unwrap_or(DEFAULT_GROUP_WAIT),
        Some(last) => timing.turn(last, changed_at),
    };
    let first_due = |changed: &[usize], at_once: bool| {
        let changed = changed.iter().filter_map(|at| members.get(*at));
        changed.map(|m| if at_once { now } else { change_due(m.changed_at) }).min()
    };
    let one_pages = |changed: &[usize]| changed.iter().filter_map(|at| members.get(*at)).any(pages_at_once);
    let all_clear = !members.iter().any(|m| m.firing);
    let fresh_due = first_due(&fresh, one_pages(&fresh));
    let over_due = first_due(&over, all_clear && one_pages(&over));
    let unowned = standing.iter().any(|at| members.get(*at).is_some_and(|m| !m.acknowledged));
    let repeat_due = last_flush_at.filter(|_| unowned).map(|last| timing.repeat(last));
    let held_until = members
        .iter()
        .filter(|m| m.firing || m.told == Told::Firing)
        .filter_map(|m| m.held.and_then(|held| held.until))
        .min();

    let due = [fresh_due, over_due, repeat_due].into_iter().flatten().min();
    if due.is_none_or(|due| due > now) {
        let next_at = [due, held_until].into_iter().flatten().min();
        return Plan { tell: None, fresh, standing, over, forget, next_at };
    }
    let why = if !fresh.is_empty() {
        Why::New
    } else if !over.is_empty() {
        Why::Resolved
    } else {
        Why::Repeat
    };
    let left_over = fresh.len() + over.len() > MAX_CHANGES;
    fresh.truncate(MAX_CHANGES);
    over.truncate(MAX_CHANGES - fresh.len());
    let unowned = members.iter().any(|m| speakable(m) && !m.acknowledged);
    let repeat = unowned.then_some(timing.repeat(now));
    let next_at = if left_over { Some(now) } else { [repeat, held_until].into_iter().flatten().min() };
    Plan { tell: Some(why), fresh, standing, over, forget, next_at }
}

#[cfg(test)]
mod tests;
