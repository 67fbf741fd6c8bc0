//! Known incidents against a rule: which it would have caught, how much earlier, and which it would have missed.
//!
//! Not where incidents come from, and not whether an alert is *about* one: nobody can tell that from outside. What counts is
//! that the alert begins in the incident's time, and that no label that says where contradicts it.

use watchkeeper_domain::{Labels, Span, Timestamp};

use super::walk::Witness;
use super::{Firing, NotKnown};

/// How long before an incident an alert may have begun to count as its first sign.
pub const LEAD_LIMIT: Span = Span::from_secs(3_600);

/// Labels that say where something is. Others say what it is, and differ between two alerts about one incident.
const PLACES: &[&str] = &[
    "app",
    "cluster",
    "component",
    "container",
    "database",
    "db",
    "env",
    "environment",
    "host",
    "instance",
    "job",
    "namespace",
    "node",
    "pod",
    "queue",
    "region",
    "service",
    "service_name",
    "topic",
];

/// An incident that is known.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownIncident {
    /// `inc_…`
    pub id: String,
    /// The short number that people say.
    pub number: i64,
    /// One line. Hostile text.
    pub title: String,
    /// When its first condition became true.
    pub started_at: Timestamp,
    /// When it was detected.
    pub opened_at: Timestamp,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// Its alerts; empty where it was declared by hand.
    pub alerts: Vec<Labels>,
}

impl KnownIncident {
    /// Whether an alert with these labels could be about it.
    pub(super) fn concerns(&self, labels: &Labels) -> bool {
        let agrees = |alert: &Labels| {
            PLACES.iter().all(|place| match (alert.get(place), labels.get(place)) {
                (Some(there), Some(here)) => there == here,
                _ => true,
            })
        };
        self.alerts.is_empty() || self.alerts.iter().any(agrees)
    }

    /// From when on an alert counts as its first sign.
    pub(super) fn from(&self) -> Timestamp {
        self.started_at - LEAD_LIMIT
    }
}

/// What a rule would have made of an incident.
#[derive(Debug, Clone, PartialEq)]
pub struct IncidentVerdict {
    /// The incident.
    pub incident: KnownIncident,
    /// The verdict.
    pub verdict: Caught,
}

/// Whether an incident would have been caught.
#[derive(Debug, Clone, PartialEq)]
pub enum Caught {
    /// An alert would have begun in its time.
    Caught {
        /// When.
        fired_at: Timestamp,
        /// How much earlier than the incident was detected, in microseconds; negative: later.
        earlier_micros: i64,
        /// The alert.
        labels: Labels,
    },
    /// An alert had been on for longer than [`LEAD_LIMIT`] when it began: a rule that always fires catches nothing.
    AlreadyFiring {
        /// Since when.
        since: Timestamp,
    },
    /// No alert.
    Missed,
    /// Nothing was known of the rule in its time.
    Unknown,
}

/// Watches a rule's alerts.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    incidents: &'a [KnownIncident],
    verdicts: Vec<Caught>,
    end: Timestamp,
}

impl<'a> Watch<'a> {
    pub(super) fn new(incidents: &'a [KnownIncident], end: Timestamp) -> Self {
        Self { incidents, verdicts: vec![Caught::Missed; incidents.len()], end }
    }

    pub(super) fn finish(self, unknown: &[NotKnown]) -> Vec<IncidentVerdict> {
        let end = self.end;
        let blind = |incident: &KnownIncident| {
            let over = incident.ended_at.unwrap_or(end);
            unknown.iter().any(|u| u.start <= incident.started_at && u.end.is_none_or(|e| e >= over))
        };
        let verdict = |(incident, verdict): (&KnownIncident, Caught)| IncidentVerdict {
            verdict: if verdict == Caught::Missed && blind(incident) { Caught::Unknown } else { verdict },
            incident: incident.clone(),
        };
        self.incidents.iter().zip(self.verdicts).map(verdict).collect()
    }
}

impl Witness for Watch<'_> {
    fn fired(&mut self, firing: &Firing) {
        let resolved_at = firing.resolved_at.unwrap_or(self.end);
        for (incident, verdict) in self.incidents.iter().zip(&mut self.verdicts) {
            let over = incident.ended_at.unwrap_or(self.end);
            if firing.fired_at > over || resolved_at < incident.from() || !incident.concerns(&firing.labels) {
                continue;
            }
            if firing.fired_at < incident.from() {
                if *verdict == Caught::Missed && resolved_at >= incident.started_at {
                    *verdict = Caught::AlreadyFiring { since: firing.fired_at };
                }
                continue;
            }
            if matches!(verdict, Caught::Caught { fired_at, .. } if *fired_at <= firing.fired_at) {
                continue;
            }
            *verdict = Caught::Caught {
                fired_at: firing.fired_at,
                earlier_micros: incident.opened_at.as_micros() - firing.fired_at.as_micros(),
                labels: firing.labels.clone(),
            };
        }
    }
}

/// How many pages belong to no known incident.
pub(super) fn without(pages: &[(Timestamp, Timestamp)], incidents: &[KnownIncident], end: Timestamp) -> u64 {
    let belongs = |(start, over): &(Timestamp, Timestamp)| {
        incidents.iter().any(|i| *start <= i.ended_at.unwrap_or(end) && *over >= i.from())
    };
    pages.iter().filter(|page| !belongs(page)).count() as u64
}
