//! On-call: who answers when, overrides, hand-off notes, gaps, and escalations under way.
//!
//! Not configuration: schedules and escalation policies are written in files and are shown here.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Time;
use super::alerts::ExplainStep;
use super::words::{EscalationPhase, PageState, Priority};

list! {
    /// Schedules, by name.
    OnCallScheduleList of OnCallSchedule;
    /// Times without anybody, the first ones first.
    OnCallGapList of OnCallGap;
    /// Overrides, in the order in which they were made; a later one wins.
    OnCallOverrideList of OnCallOverride;
    /// Escalations, newest first.
    EscalationList of Escalation;
    /// People, in the order of the configuration.
    OnCallPersonList of OnCallPerson;
}

/// Who answers at one moment.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OnCallNow {
    /// The moment.
    pub at: Time,
    /// Each schedule's answer, by name.
    pub schedules: Vec<OnCallAnswer>,
}

/// Who answers in one schedule.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OnCallAnswer {
    /// The schedule.
    pub schedule: String,
    /// Its zone, an IANA name.
    pub time_zone: String,
    /// Who is on call; absent: nobody. Its ends are looked for 40 days around.
    pub now: Option<Shift>,
    /// Who comes after that, or after the gap.
    pub next: Option<Shift>,
    /// Whether the schedule intends times without anybody.
    pub gaps_intended: bool,
}

/// Somebody is on call for a while.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Shift {
    /// Who.
    pub person: String,
    /// From when.
    pub from: Time,
    /// Until when, excluded.
    pub until: Time,
    /// The layer that it comes from.
    pub layer: Option<String>,
    /// The override that it comes from, `ovr_…`.
    pub override_id: Option<String>,
}

/// A schedule as it is configured.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OnCallSchedule {
    /// Its name.
    pub name: String,
    /// Its zone, an IANA name.
    pub time_zone: String,
    /// Its layers, the weakest first.
    pub layers: Vec<OnCallLayer>,
    /// Whether times without anybody are intended; otherwise people are warned of them.
    pub gaps_intended: bool,
    /// How long before a gap people are warned, for example `1d`.
    pub gap_warning: String,
    /// Whether whoever takes over is told so.
    pub announced: bool,
    /// The feed for calendars (iCalendar). Whoever knows the address can read it: share it as you would the calendar.
    pub calendar_url: String,
}

/// One layer of a schedule.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OnCallLayer {
    /// Its name.
    pub name: String,
    /// How it turns, in words: `every 2 weeks from 2026-01-05T09:00 (Europe/Zurich)`.
    pub rotation: String,
    /// Who, in this order.
    pub people: Vec<String>,
    /// The hours at which it counts, in words; empty: always.
    pub hours: Vec<String>,
}

/// One schedule over a range.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OnCallCalendar {
    /// The schedule.
    pub schedule: OnCallSchedule,
    /// Beginning of the range.
    pub from: Time,
    /// End of the range.
    pub until: Time,
    /// Who is on call, in order and without overlap.
    pub shifts: Vec<Shift>,
    /// When nobody is.
    pub gaps: Vec<Stretch>,
    /// Each layer by itself, the weakest first.
    pub layers: Vec<LayerShifts>,
    /// The overrides that touch the range.
    pub overrides: Vec<OnCallOverride>,
    /// Hand-off notes of the range, oldest first.
    pub notes: Vec<HandoffNote>,
}

/// One layer by itself.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LayerShifts {
    /// The layer.
    pub layer: String,
    /// Its shifts, without regard to the layers above and to overrides.
    pub shifts: Vec<Shift>,
}

/// A stretch of time.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Stretch {
    /// From when.
    pub from: Time,
    /// Until when, excluded.
    pub until: Time,
}

/// A time without anybody.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OnCallGap {
    /// The schedule.
    pub schedule: String,
    /// From when.
    pub from: Time,
    /// Until when; the end of the range, if it is longer.
    pub until: Time,
    /// Whether the schedule intends it.
    pub intended: bool,
}

/// Somebody takes a time over.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OnCallOverride {
    /// `ovr_…`.
    pub id: String,
    /// The schedule.
    pub schedule: String,
    /// Who takes over.
    pub person: String,
    /// Only where this person would be on call; absent: whoever it would be.
    pub instead_of: Option<String>,
    /// From when.
    pub from: Time,
    /// Until when, excluded.
    pub until: Time,
    /// Why. Hostile text.
    pub reason: String,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Time,
}

/// An override to make.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct NewOnCallOverride {
    /// The schedule.
    pub schedule: String,
    /// Who takes over.
    pub person: String,
    /// Only where this person would be on call; absent: whoever it would be, and gaps too.
    #[serde(default)]
    pub instead_of: Option<String>,
    /// From when; now when absent.
    #[serde(default)]
    pub from: Option<Time>,
    /// Until when, excluded; a year at most.
    pub until: Time,
    /// Why, for those who see it.
    #[serde(default)]
    pub reason: Option<String>,
}

/// What whoever goes leaves for whoever comes.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct HandoffNote {
    /// `hon_…`.
    pub id: String,
    /// The schedule.
    pub schedule: String,
    /// When.
    pub at: Time,
    /// Who wrote it.
    pub author: String,
    /// What. Hostile text.
    pub text: String,
}

/// A note to leave.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct NewHandoffNote {
    /// What; 1 to 4,000 characters.
    pub text: String,
}

/// Somebody who can be on call.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OnCallPerson {
    /// Their name.
    pub name: String,
    /// Their contact methods: `email`, `slack`, `telegram`, `ntfy`, `webhook`, `sms`, `voice`.
    pub contact_methods: Vec<String>,
    /// How they want to be called, in words; empty: over everything at once.
    pub notify: Vec<String>,
    /// The schedules in which they are on call now.
    pub on_call_in: Vec<String>,
    /// The feed of their turns for calendars (iCalendar).
    pub calendar_url: String,
}

/// People being called until somebody answers.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Escalation {
    /// `esc_…`.
    pub id: String,
    /// The escalation policy.
    pub policy: String,
    /// What people are called for. Hostile text.
    pub title: String,
    /// The incident, `inc_…`, if it is about one.
    pub incident_id: Option<String>,
    /// How urgent.
    pub priority: Priority,
    /// How it stands.
    pub phase: EscalationPhase,
    /// How many steps were taken in this round.
    pub step: u32,
    /// How many steps the policy has.
    pub steps: u32,
    /// The round, from 1.
    pub round: u32,
    /// When the next step is taken.
    pub due_at: Option<Time>,
    /// When it began.
    pub started_at: Time,
    /// When somebody took it.
    pub acknowledged_at: Option<Time>,
    /// Who.
    pub acknowledged_by: Option<String>,
    /// When it was over.
    pub ended_at: Option<Time>,
    /// The calls, in order.
    pub calls: Vec<EscalationCall>,
}

/// One call: one way to one person, or one receiver.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EscalationCall {
    /// The person.
    pub person: Option<String>,
    /// The receiver, when it is no person.
    pub receiver: Option<String>,
    /// Over which way; empty: over all of them.
    pub via: String,
    /// What led there.
    pub why: String,
    /// When it is or was due.
    pub due_at: Time,
    /// How it stands.
    pub state: PageState,
    /// Why it was called off.
    pub detail: String,
}

/// Why somebody was, or was not, called around a moment.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PersonExplanation {
    /// Who.
    pub person: String,
    /// Beginning of the time that was looked at.
    pub from: Time,
    /// Its end.
    pub until: Time,
    /// The answer in one sentence.
    pub verdict: String,
    /// Where they were on call in that time.
    pub on_call: Vec<PersonDuty>,
    /// Each alert that fired in that time, with what it meant for them; newest first.
    pub alerts: Vec<PersonAlert>,
}

/// A turn in a schedule.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PersonDuty {
    /// The schedule.
    pub schedule: String,
    /// The turn.
    pub shift: Shift,
}

/// What one alert meant for somebody.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PersonAlert {
    /// `alr_…`.
    pub alert_id: String,
    /// Its name.
    pub name: String,
    /// What it says. Hostile text.
    pub title: String,
    /// How urgent.
    pub priority: Priority,
    /// When it fired.
    pub fired_at: Time,
    /// Whether it reached them.
    pub reached: bool,
    /// Why, or why not, in one sentence.
    pub verdict: String,
    /// What happened about it that concerns them, in order.
    pub steps: Vec<ExplainStep>,
}

/// Which moment.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OnCallQuery {
    /// RFC 3339 or Unix seconds; now when absent.
    pub at: Option<String>,
    /// One schedule only.
    pub schedule: Option<String>,
}

/// Which range.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RangeQuery {
    /// Beginning, RFC 3339 or Unix seconds; now when absent.
    pub from: Option<String>,
    /// End; 28 days after the beginning when absent, 400 days at most.
    pub until: Option<String>,
    /// One schedule only.
    pub schedule: Option<String>,
}

/// Which escalations.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EscalationQuery {
    /// Those that are over, too; false when absent.
    pub all: Option<bool>,
}

/// Around which moment.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PersonQuery {
    /// RFC 3339 or Unix seconds; now when absent.
    pub at: Option<String>,
    /// How far before and after it, for example `30m`; 1 hour when absent, 7 days at most.
    pub around: Option<String>,
}
