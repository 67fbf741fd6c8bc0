//! What is known of a heartbeat, and how a beat, the time, and an outage of this server change it.
//!
//! Pure: no clock, no database. Not an alert either: `signal` makes that of a standing.

use serde::{Deserialize, Serialize};
use watchkeeper_config::model::{Expected, Heartbeat};
use watchkeeper_domain::{Span, Timestamp};

/// The most runs of one job at a time that are told apart; the oldest is forgotten first.
const MOST_RUNS: usize = 50;

/// A sign of life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beat {
    /// What it says.
    pub kind: Kind,
    /// The job's exit status, when it told one.
    pub exit_code: Option<u8>,
    /// The sender's own name for the run (`rid`), so that runs that overlap are told apart. Hostile text.
    pub run: Option<String>,
    /// What the job said beside it. Hostile text.
    pub body: String,
}

/// What a beat says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It ran, and all was well.
    Success,
    /// It begins.
    Start,
    /// It ran, and failed.
    Fail,
    /// It has something to say; nothing changes.
    Log,
}

impl Kind {
    /// The word in rows and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Start => "start",
            Self::Fail => "fail",
            Self::Log => "log",
        }
    }
}

/// How a heartbeat stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It never reported: nobody can tell.
    New,
    /// It reports as expected.
    Up,
    /// It did not report in time.
    Late,
    /// It reported that it failed.
    Failed,
    /// It may have reported when this server could not hear it.
    Unknown,
}

/// A time in which this server heard nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// When it was last known to listen.
    pub from: Timestamp,
    /// When it listened again.
    pub until: Timestamp,
}

/// A run that began and did not end yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The sender's name for it.
    pub id: Option<String>,
    /// When it began.
    pub began: Timestamp,
}

/// What is known of a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// How it stands.
    pub standing: Standing,
    /// Since when.
    pub since: Timestamp,
    /// Why, for people; empty: as it should be.
    pub reason: String,
    /// From when its next time is counted; none before its first beat.
    pub counted_from: Option<Timestamp>,
    /// The newest beat of any kind.
    pub last_beat: Option<Timestamp>,
    /// The newest success.
    pub last_success: Option<Timestamp>,
    /// The newest failure.
    pub last_failure: Option<Timestamp>,
    /// The exit status of the newest run that told one.
    pub exit_code: Option<u8>,
    /// How long the newest run took that told its start; microseconds.
    #[serde(with = "micros")]
    pub took: Option<Span>,
    /// Runs under way, the oldest first.
    pub runs: Vec<Run>,
    /// How often a run began while another was under way.
    pub overlaps: u64,
    /// The newest time in which this server heard nothing.
    pub outage: Option<Outage>,
}

/// What happens to it.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// It reports.
    Beat(&'a Beat),
    /// Time passes.
    Time,
    /// This server heard nothing for a while.
    Outage(Outage),
}

impl Record {
    /// One that is watched from `now` on and never reported.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self {
            standing: Standing::New,
            since: now,
            reason: "it has not reported yet".to_owned(),
            counted_from: None,
            last_beat: None,
            last_success: None,
            last_failure: None,
            exit_code: None,
            took: None,
            runs: Vec::new(),
            overlaps: 0,
            outage: None,
        }
    }

    /// When it is expected next; none before its first beat.
    #[must_use]
    pub fn expected(&self, heartbeat: &Heartbeat) -> Option<Timestamp> {
        Some(heartbeat.expected.after(self.counted_from?))
    }

    /// When it is late unless something is heard; none: nothing is waited for.
    #[must_use]
    pub fn deadline(&self, heartbeat: &Heartbeat) -> Option<Timestamp> {
        self.awaited(heartbeat).map(|awaited| awaited.until)
    }

    fn awaited(&self, heartbeat: &Heartbeat) -> Option<Awaited> {
        if matches!(self.standing, Standing::Late | Standing::Failed) {
            return None;
        }
        // Who has begun is not late any more; now its end is waited for.
        if let Some(run) = self.runs.first() {
            return Some(Awaited { from: run.began, until: run.began + heartbeat.run_timeout, run: true });
        }
        let expected = self.expected(heartbeat)?;
        let from = match heartbeat.expected {
            // A job that runs so often does not run by the second.
            Expected::Every(_) => expected - heartbeat.grace,
            Expected::Cron(_) => expected,
        };
        Some(Awaited { from, until: expected + heartbeat.grace, run: false })
    }

    /// What becomes of it.
    #[must_use]
    pub fn step(&self, heartbeat: &Heartbeat, event: Event<'_>, now: Timestamp) -> Self {
        let mut next = self.clone();
        match event {
            Event::Beat(beat) => next.heard(beat, now),
            Event::Time => next.judge(heartbeat, now),
            Event::Outage(outage) => {
                // Two in a row are one: a beat may be lost in either, and only one is remembered.
                let reaches = next.awaited(heartbeat).map(|awaited| awaited.from);
                let earlier = next.outage.filter(|earlier| reaches.is_some_and(|from| earlier.until >= from));
                let from = earlier.map_or(outage.from, |earlier| earlier.from.min(outage.from));
                next.outage = Some(Outage { from, until: outage.until });
            }
        }
        next
    }

    fn stand(&mut self, standing: Standing, reason: String, now: Timestamp) {
        if self.standing != standing {
            self.since = now;
        }
        (self.standing, self.reason) = (standing, reason);
    }

    fn heard(&mut self, beat: &Beat, now: Timestamp) {
        self.last_beat = Some(now);
        if beat.exit_code.is_some() {
            self.exit_code = beat.exit_code;
        }
        match beat.kind {
            Kind::Log => {}
            Kind::Start => {
                // A run without a name of its own is the same run to us as the one before: that one never ended.
                let again = self.runs.iter().any(|run| run.id == beat.run && run.id.is_some());
                if !again {
                    self.overlaps += u64::from(!self.runs.is_empty());
                    self.runs.retain(|run| run.id != beat.run);
                    self.runs.push(Run { id: beat.run.clone(), began: now });
                    if self.runs.len() > MOST_RUNS {
                        self.runs.remove(0);
                    }
                }
                if self.standing == Standing::New {
                    self.reason = "its first run is under way".to_owned();
                }
            }
            Kind::Success | Kind::Fail => {
                let ended = self.runs.iter().position(|run| run.id == beat.run);
                if let Some(run) = ended.map(|at| self.runs.remove(at)) {
                    self.took = Some(now.since(run.began));
                }
                self.counted_from = Some(now);
                if beat.kind == Kind::Success {
                    self.last_success = Some(now);
                    self.exit_code = beat.exit_code.or(Some(0));
                    self.stand(Standing::Up, String::new(), now);
                } else {
                    self.last_failure = Some(now);
                    let how = beat.exit_code.map_or_else(String::new, |code| format!(" with exit status {code}"));
                    self.stand(Standing::Failed, format!("the job reported that it failed{how}"), now);
                }
            }
        }
    }

    fn judge(&mut self, heartbeat: &Heartbeat, now: Timestamp) {
        // One that never reported a whole run may have begun one.
        let Some(awaited) = self.awaited(heartbeat).filter(|awaited| awaited.until <= now) else { return };
        match self.outage.filter(|outage| outage.from <= awaited.until && outage.until >= awaited.from) {
            // Silence proves nothing about a time at which nobody listened: it is waited for once more.
            Some(outage) => {
                let reason = format!(
                    "this server heard nothing from {} to {}, when the report was due; it waits for the next one",
                    outage.from, outage.until
                );
                self.runs.retain(|run| run.began > outage.until);
                let missed = self.expected(heartbeat).unwrap_or(outage.until);
                self.counted_from = Some(match heartbeat.expected {
                    Expected::Every(_) => outage.until,
                    Expected::Cron(_) => missed.max(outage.until),
                });
                self.outage = None;
                self.stand(Standing::Unknown, reason, now);
                self.judge(heartbeat, now);
            }
            None if awaited.run => {
                let reason = format!(
                    "the run that began at {} did not report its end within {}",
                    awaited.from, heartbeat.run_timeout
                );
                self.stand(Standing::Late, reason, now);
            }
            None => {
                let expected = awaited.until - heartbeat.grace;
                let reason = format!("no report since {}; it was expected at {expected}", self.last_words());
                self.stand(Standing::Late, reason, now);
            }
        }
    }

    fn last_words(&self) -> String {
        self.last_success.or(self.last_beat).map_or_else(|| "ever".to_owned(), |at| at.to_string())
    }
}

/// What is waited for.
struct Awaited {
    /// The earliest time at which it may be heard.
    from: Timestamp,
    /// From then on it is late.
    until: Timestamp,
    /// Whether it is the end of a run.
    run: bool,
}

mod micros {
    //! Spans as whole microseconds: their text form ends at milliseconds.

    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use watchkeeper_domain::Span;

    pub(super) fn serialize<S: Serializer>(span: &Option<Span>, serializer: S) -> Result<S::Ok, S::Error> {
        span.map(Span::as_micros).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Span>, D::Error> {
        Ok(Option::<i64>::deserialize(deserializer)?.map(Span::from_micros))
    }
}
