//! `schedules` and `escalation_policies`: who is on call, and who is called in which order.
//!
//! Not overrides: people make those while the server runs.

use std::collections::BTreeSet;

use watchkeeper_domain::{Code, Span};

use super::names::Names;
use super::server::{or, positive};
use crate::decode::leaf::calendar::{Local, TimeOfDay, Zone};
use crate::decode::record::record;
use crate::decode::{At, Context, List, items};
use crate::diagnostic::Diagnostic;
use crate::model::oncall::{
    Days, EscalationPolicy, EscalationStep, Layer, Period, Restriction, Rotation, Schedule, Target,
};

/// How long a step waits for an acknowledgement when the file does not say.
const DEFAULT_DELAY: Span = Span::from_secs(5 * 60);
/// The most often that a policy starts over: somebody who did not answer a hundred times is not there.
const MOST_REPEATS: u32 = 100;

record! {
    /// Who is on call when.
    ScheduleFile, "a schedule" {
        /// Its name.
        name: At<String> = "name";
        /// The zone of its clock on the wall. Default `UTC`.
        time_zone: Option<At<Zone>> = "time_zone";
        /// People in turn; a later layer wins over those before it.
        layers: List<LayerFile> = "layers";
        /// Whether times without anybody are intended. Default false: people are warned of them.
        allow_gaps: Option<At<bool>> = "allow_gaps";
        /// How long before a gap people are warned. Default 1 day.
        gap_warning: Option<At<Span>> = "gap_warning";
        /// Whether the person who takes over is told so, with the hand-off notes. Default false.
        announce: Option<At<bool>> = "announce";
    }
}

record! {
    /// One layer of a schedule.
    LayerFile, "a layer" {
        /// Its name. Default `layer 1`, `layer 2`, ….
        name: Option<At<String>> = "name";
        /// The unit of a turn.
        rotation: At<Period> = "rotation";
        /// How many units a turn lasts. Default 1.
        every: Option<At<u16>> = "every";
        /// When the first person takes over, in local time. The rotation goes on from there in both directions.
        start: At<Local> = "start";
        /// Another zone than the schedule's.
        time_zone: Option<At<Zone>> = "time_zone";
        /// Who, in this order.
        people: List<At<String>> = "people" | "users";
        /// The hours at which the layer counts. Default always.
        restrictions: Option<List<RestrictionFile>> = "restrictions";
    }
}

record! {
    /// Certain hours of certain days.
    RestrictionFile, "a restriction" {
        /// Days on which the hours begin: `mon`, `mon-fri`. Default every day.
        days: Option<List<At<Days>>> = "days";
        /// Beginning. Default `00:00`.
        from: Option<At<TimeOfDay>> = "from";
        /// End; not after the beginning: on the next day. Default `24:00`.
        to: Option<At<TimeOfDay>> = "to";
    }
}

record! {
    /// Who is called in which order until somebody answers.
    EscalationPolicyFile, "an escalation policy" {
        /// Its name.
        name: At<String> = "name";
        /// The steps.
        steps: List<EscalationStepFile> = "steps";
        /// How often it starts over after the last step. Default 0.
        repeat: Option<At<u32>> = "repeat";
        /// After this long, and again each time, people are reminded of what is acknowledged and not resolved.
        remind_after: Option<At<Span>> = "remind_after";
    }
}

record! {
    /// One step of an escalation policy.
    EscalationStepFile, "a step" {
        /// Who is called, all at once.
        targets: List<TargetFile> = "targets";
        /// How long an acknowledgement is waited for before the next step. Default 5 min.
        delay: Option<At<Span>> = "delay";
    }
}

record! {
    /// Whom a step calls: exactly one of the keys.
    TargetFile, "a target" {
        /// A person.
        person: Option<At<String>> = "person" | "user";
        /// Whoever is on call in this schedule.
        schedule: Option<At<String>> = "schedule";
        /// A receiver (action group).
        receiver: Option<At<String>> = "receiver" | "action_group";
    }
}

/// What on-call settings may refer to.
pub(crate) struct Known<'a> {
    pub(crate) people: &'a Names,
    /// Those of them who have a contact method.
    pub(crate) reachable: BTreeSet<&'a str>,
    pub(crate) schedules: &'a Names,
    pub(crate) receivers: &'a Names,
    /// Receivers that are an escalation policy themselves.
    pub(crate) paging: BTreeSet<&'a str>,
}

impl Known<'_> {
    fn person(&self, at: &At<String>, cx: &mut Context<'_>) {
        self.people.refer(&at.value, &at.place, cx);
        if self.people.contains(&at.value) && !self.reachable.contains(at.value.as_str()) {
            let message = format!("`{}` is to be called, and there is no way to reach them", at.value);
            let help = "give the person an `email` (and the main file `smtp`), `slack`, `sms` or `webhook`";
            cx.error(Diagnostic::at(Code::ConfigInvalidValue, &at.place, message).help(help));
        }
    }
}

impl ScheduleFile {
    pub(crate) fn build(&self, known: &Known<'_>, cx: &mut Context<'_>) -> Schedule {
        let zone = self.time_zone.as_ref().map_or(jiff::tz::TimeZone::UTC, |at| at.value.0.clone());
        let mut names = Names::new("layer");
        // One that could not be read was told already.
        if self.layers.0.is_empty() && cx.errors.is_empty() {
            cx.invalid(&self.place, format!("the schedule `{}` has no layer", self.name.value), None);
        }
        let layers = self.layers.0.iter().enumerate();
        let layers = layers.map(|(at, layer)| layer.build(at, &zone, known, &mut names, cx)).collect();
        Schedule {
            name: self.name.value.clone(),
            time_zone: zone,
            layers,
            allow_gaps: or(self.allow_gaps.as_ref(), false),
            gap_warning: positive(self.gap_warning.as_ref(), Span::from_secs(86_400), "gap_warning", cx),
            announce: or(self.announce.as_ref(), false),
        }
    }
}

impl LayerFile {
    fn build(
        &self,
        at: usize,
        zone: &jiff::tz::TimeZone,
        known: &Known<'_>,
        names: &mut Names,
        cx: &mut Context<'_>,
    ) -> Layer {
        if let Some(name) = &self.name {
            names.define(name, cx);
        }
        if self.people.0.is_empty() {
            cx.invalid(&self.place, "a layer needs at least one person", None);
        }
        for person in &self.people.0 {
            known.person(person, cx);
        }
        if let Some(every) = self.every.as_ref().filter(|at| at.value == 0) {
            cx.invalid(&every.place, "`every` is at least 1", None);
        }
        Layer {
            name: self.name.as_ref().map_or_else(|| format!("layer {}", at + 1), |name| name.value.clone()),
            rotation: Rotation {
                period: self.rotation.value,
                every: or(self.every.as_ref(), 1).max(1),
                start: self.start.value.0,
                time_zone: self.time_zone.as_ref().map_or_else(|| zone.clone(), |at| at.value.0.clone()),
            },
            people: self.people.0.iter().map(|at| at.value.clone()).collect(),
            restrictions: items(&self.restrictions).iter().map(RestrictionFile::build).collect(),
        }
    }
}

impl RestrictionFile {
    fn build(&self) -> Restriction {
        let time = |at: &Option<At<TimeOfDay>>| at.as_ref().map_or(jiff::civil::Time::midnight(), |at| at.value.0);
        let days = items(&self.days).iter().fold(Days::NONE, |all, at| all.and(at.value));
        Restriction {
            days: if days == Days::NONE { Days::ALL } else { days },
            from: time(&self.from),
            to: time(&self.to),
        }
    }
}

impl EscalationPolicyFile {
    pub(crate) fn build(&self, known: &Known<'_>, cx: &mut Context<'_>) -> EscalationPolicy {
        if self.steps.0.is_empty() && cx.errors.is_empty() {
            cx.invalid(&self.place, format!("the escalation policy `{}` has no step", self.name.value), None);
        }
        let repeat = or(self.repeat.as_ref(), 0);
        if let Some(at) = self.repeat.as_ref().filter(|at| at.value > MOST_REPEATS) {
            cx.invalid(&at.place, format!("`repeat` is at most {MOST_REPEATS}"), None);
        }
        EscalationPolicy {
            name: self.name.value.clone(),
            steps: self.steps.0.iter().map(|step| step.build(known, cx)).collect(),
            repeat,
            remind_after: self
                .remind_after
                .as_ref()
                .map(|at| positive(Some(at), Span::from_secs(3_600), "remind_after", cx)),
        }
    }
}

impl EscalationStepFile {
    fn build(&self, known: &Known<'_>, cx: &mut Context<'_>) -> EscalationStep {
        if self.targets.0.is_empty() {
            cx.invalid(&self.place, "a step calls at least one target", None);
        }
        EscalationStep {
            targets: self.targets.0.iter().filter_map(|target| target.build(known, cx)).collect(),
            delay: positive(self.delay.as_ref(), DEFAULT_DELAY, "delay", cx),
        }
    }
}

impl TargetFile {
    fn build(&self, known: &Known<'_>, cx: &mut Context<'_>) -> Option<Target> {
        match (&self.person, &self.schedule, &self.receiver) {
            (Some(at), None, None) => {
                known.person(at, cx);
                Some(Target::Person(at.value.clone()))
            }
            (None, Some(at), None) => {
                known.schedules.refer(&at.value, &at.place, cx);
                Some(Target::Schedule(at.value.clone()))
            }
            (None, None, Some(at)) => {
                known.receivers.refer(&at.value, &at.place, cx);
                if known.paging.contains(at.value.as_str()) {
                    let message = format!("the receiver `{}` is an escalation policy itself", at.value);
                    cx.invalid(&at.place, message, Some("name the people or the schedule instead".to_owned()));
                }
                Some(Target::Receiver(at.value.clone()))
            }
            _ => {
                let help = "write for example `{schedule: payments}`".to_owned();
                let message = "a target is exactly one of `person`, `schedule` and `receiver`";
                cx.invalid(&self.place, message, Some(help));
                None
            }
        }
    }
}
