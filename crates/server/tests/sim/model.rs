//! What the outside knows: what was sent, what was answered, and what follows from that. Written simply, and without a line
//! of the product's own logic.
//!
//! Not the checks: see `checks`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, date, time};
use jiff::tz::TimeZone;
use watchkeeper_domain::{Span, Timestamp};

/// How long a posting of an alert lasts, as Prometheus sends it.
pub(crate) const LASTS: Span = Span::from_secs(240);
/// What would have ended while nobody was there is given so long after a start.
pub(crate) const GRACE: Span = Span::from_secs(120);
/// When a step of the escalation policy has had no answer, the next one is called.
pub(crate) const STEP: Span = Span::from_secs(300);

/// The labels of one alert.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Set {
    pub(crate) name: String,
    pub(crate) service: &'static str,
    pub(crate) severity: &'static str,
}

/// All that can fire, a storm not counted.
pub(crate) fn universe() -> Vec<Set> {
    let kinds = [("Slow", "medium"), ("Down", "high"), ("Noise", "low")];
    let services = ["s1", "s2", "s3"];
    let set = |(name, severity): (&str, &'static str), service| Set { name: name.to_owned(), service, severity };
    services.iter().flat_map(|service| kinds.iter().map(move |kind| set(*kind, *service))).collect()
}

/// Which configuration is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Setup {
    /// `group_wait` in seconds; none: the default with its exceptions.
    pub(crate) group_wait: Option<i64>,
    pub(crate) group_interval: i64,
    /// The service that has a receiver of its own.
    pub(crate) second: &'static str,
}

impl Setup {
    /// Who is to be told of an alert.
    pub(crate) fn receivers(&self, set: &Set) -> Vec<&'static str> {
        let pager = (set.severity == "high").then_some("pager");
        let second = (set.service == self.second).then_some("second");
        let both: Vec<_> = pager.into_iter().chain(second).collect();
        if both.is_empty() { vec!["team"] } else { both }
    }

    /// Within this time a change is told, when nothing is wrong.
    pub(crate) fn allowance(&self) -> Span {
        Span::from_secs(self.group_wait.unwrap_or(30) + self.group_interval + 1)
    }
}

/// What is believed of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Belief {
    Firing {
        started_at: Timestamp,
        ends_at: Timestamp,
    },
    Over,
    /// Something was sent and not answered 2xx.
    Unsure,
}

/// A silence of one label.
#[derive(Debug, Clone)]
pub(crate) struct Silence {
    /// None while nobody knows whether it was made.
    pub(crate) id: Option<String>,
    pub(crate) comment: String,
    pub(crate) label: &'static str,
    pub(crate) value: String,
    pub(crate) starts_at: Timestamp,
    pub(crate) ends_at: Timestamp,
    pub(crate) expired: bool,
    /// Its making or its ending was not answered 2xx.
    pub(crate) unsure: bool,
}

impl Silence {
    pub(crate) fn covers(&self, set: &Set) -> bool {
        match self.label {
            "service" => self.value == set.service,
            _ => self.value == set.name,
        }
    }

    pub(crate) fn holds(&self, now: Timestamp) -> bool {
        !self.expired && self.starts_at <= now && now < self.ends_at
    }
}

/// Whether something is so, as far as can be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sure {
    Yes,
    No,
    Nobody,
}

/// See the module.
pub(crate) struct Model {
    pub(crate) setup: Setup,
    pub(crate) alerts: BTreeMap<Set, Belief>,
    pub(crate) silences: Vec<Silence>,
    /// Alerts by id whose acknowledgement was answered 2xx, or may have been taken.
    pub(crate) acknowledged: BTreeMap<String, Sure>,
    /// When the server began, on its own clock.
    pub(crate) started_at: Timestamp,
    /// Since when nothing was wrong with the server itself: it runs, and its disk takes what it writes.
    pub(crate) sound_since: Timestamp,
    /// Everything is unclear at this instant, because the disk refuses or somebody was cut off.
    pub(crate) refused: bool,
    /// Since when an alert has fired and been muted by nothing, for certain.
    pub(crate) clear: BTreeMap<Set, Timestamp>,
    /// The same for being over.
    pub(crate) over: BTreeMap<Set, Timestamp>,
    /// Muted for certain when somebody last looked.
    pub(crate) muted: BTreeSet<Set>,
    /// How often something happened after which people may be called anew.
    pub(crate) resets: BTreeMap<Set, usize>,
}

impl Model {
    pub(crate) fn new(setup: Setup, now: Timestamp) -> Self {
        Self {
            setup,
            alerts: universe().into_iter().map(|set| (set, Belief::Over)).collect(),
            silences: Vec::new(),
            acknowledged: BTreeMap::new(),
            started_at: now,
            sound_since: now,
            refused: false,
            clear: BTreeMap::new(),
            over: BTreeMap::new(),
            muted: BTreeSet::new(),
            resets: BTreeMap::new(),
        }
    }

    /// Whether an alert fires now.
    pub(crate) fn fires(&self, set: &Set, now: Timestamp) -> Sure {
        match self.alerts.get(set) {
            Some(Belief::Firing { ends_at, .. }) if *ends_at > now => Sure::Yes,
            // Its end came while nobody was there to hear of it again.
            Some(Belief::Firing { ends_at, .. }) if *ends_at <= self.started_at && now < self.started_at + GRACE => {
                Sure::Nobody
            }
            Some(Belief::Firing { .. }) if self.refused => Sure::Nobody,
            Some(Belief::Firing { .. } | Belief::Over) => Sure::No,
            Some(Belief::Unsure) | None => Sure::Nobody,
        }
    }

    /// Whether a silence or another alert mutes it now.
    pub(crate) fn mutes(&self, set: &Set, now: Timestamp) -> Sure {
        let covering: Vec<&Silence> = self.silences.iter().filter(|silence| silence.covers(set)).collect();
        if covering.iter().any(|silence| !silence.unsure && silence.holds(now)) {
            return Sure::Yes;
        }
        let source = self.alerts.keys().find(|s| s.severity == "high" && s.service == set.service);
        let inhibited = match source {
            Some(source) if set.severity == "low" => self.fires(source, now),
            _ => Sure::No,
        };
        if inhibited == Sure::No && covering.iter().any(|silence| silence.unsure) {
            return Sure::Nobody;
        }
        inhibited
    }

    pub(crate) fn reset(&mut self, set: &Set) {
        *self.resets.entry(set.clone()).or_default() += 1;
    }

    /// Who is on call: ana and bo change every day at 02:30 in Zurich. On the day that has no 02:30 they change when the
    /// clocks do, and on the day that has it twice, at the first.
    pub(crate) fn on_call(at: Timestamp) -> &'static str {
        let zone = TimeZone::get("Europe/Zurich").unwrap();
        let instant = jiff::Timestamp::from_microsecond(at.as_micros()).unwrap();
        let first: Date = date(2026, 10, 1);
        let today = instant.to_zoned(zone.clone()).date();
        let mut turns = (today - first).get_days();
        let at = |hour, minute| today.to_datetime(time(hour, minute, 0, 0)).to_zoned(zone.clone()).unwrap();
        let exists = at(2, 30).time() == time(2, 30, 0, 0);
        let hand_off = if exists { at(2, 30) } else { at(3, 0) };
        if instant < hand_off.timestamp() {
            turns -= 1;
        }
        if turns % 2 == 0 { "person:ana" } else { "person:bo" }
    }
}
