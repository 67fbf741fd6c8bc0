//! From a step of a policy to people: who is on call now, and over which ways each of them wants to be called.
//!
//! Not sending: see [`super::effect`].

use std::collections::BTreeMap;

use watchkeeper_config::model::oncall::{EscalationStep, Target};
use watchkeeper_config::model::person::receiver_of;
use watchkeeper_domain::{Priority, Span, Timestamp};

use crate::oncall::settings::Settings;
use crate::oncall::{Override, who};

/// Somebody or something that a step calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Called {
    /// The receiver: `person:ana`, or an action group.
    pub(super) receiver: String,
    /// The person, if it is one.
    pub(super) person: Option<String>,
    /// What led here, in words.
    pub(super) why: String,
}

/// Whom a step calls now, and which of its targets reach nobody, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Reach {
    pub(super) called: Vec<Called>,
    pub(super) missed: Vec<(String, String)>,
}

/// Works out a step. `overrides` are those of now, by schedule.
pub(super) fn reach(
    settings: &Settings,
    overrides: &BTreeMap<String, Vec<Override>>,
    step: &EscalationStep,
    now: Timestamp,
) -> Reach {
    let mut reach = Reach::default();
    for target in &step.targets {
        let (shown, found) = match target {
            Target::Person(name) => {
                (format!("person {name}"), Ok((Some(name.clone()), "named by the step".to_owned())))
            }
            Target::Receiver(name) => (format!("receiver {name}"), Ok((None, "named by the step".to_owned()))),
            Target::Schedule(name) => (format!("schedule {name}"), on_call(settings, overrides, name, now)),
        };
        let (person, why) = match found {
            Ok(found) => found,
            Err(reason) => {
                reach.missed.push((shown, reason));
                continue;
            }
        };
        let receiver = match (&person, target) {
            (Some(person), _) => receiver_of(person),
            (None, Target::Receiver(name)) => name.clone(),
            (None, _) => continue,
        };
        if settings.integrations.get(&receiver).is_none_or(Vec::is_empty) {
            let name = person.as_deref().unwrap_or(&receiver);
            reach.missed.push((shown, format!("{name} has no contact method in the configuration")));
        } else if reach.called.iter().all(|called| called.receiver != receiver) {
            reach.called.push(Called { receiver, person, why });
        }
    }
    reach
}

fn on_call(
    settings: &Settings,
    overrides: &BTreeMap<String, Vec<Override>>,
    schedule: &str,
    now: Timestamp,
) -> Result<(Option<String>, String), String> {
    let Some(known) = settings.schedules.get(schedule) else {
        return Err("the configuration has no such schedule any more".to_owned());
    };
    let made = overrides.get(schedule).map_or(&[][..], Vec::as_slice);
    match who(known, made, now) {
        Some((person, _)) => Ok((Some(person), format!("on call in {schedule}"))),
        None => Err("nobody is on call in it at this moment".to_owned()),
    }
}

/// One way to call a person, and when; an empty `via` stands for all ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) via: String,
    pub(super) after: Span,
}

/// How somebody wants to be called for something of this priority; none: not at all.
pub(super) fn ways(settings: &Settings, called: &Called, priority: Priority) -> Vec<Way> {
    let rules = called.person.as_ref().and_then(|person| settings.people.get(person)).map_or(&[][..], Vec::as_slice);
    if rules.is_empty() {
        return vec![Way { via: String::new(), after: Span::ZERO }];
    }
    let applies = rules.iter().filter(|rule| rule.priorities.is_empty() || rule.priorities.contains(&priority));
    applies.map(|rule| Way { via: rule.via.clone(), after: rule.after }).collect()
}
