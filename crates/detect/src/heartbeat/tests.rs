//! Jobs through days of a virtual clock: the core alone, and with a real database.

use parking_lot::Mutex as Locked;
use watchkeeper_config::model::Expected;
use watchkeeper_config::model::heartbeat::Calendar;
use watchkeeper_domain::telemetry::{AppendError, Appended, Batch};
use watchkeeper_domain::{Category, Clock as _, Priority, Verdict};
use watchkeeper_state::signal::Recording;
use watchkeeper_testkit::VirtualClock;

use super::record::{Kind, Standing};
use super::*;

fn mins(minutes: i64) -> Span {
    Span::from_secs(minutes * 60)
}

fn heartbeat(expected: Expected) -> Heartbeat {
    Heartbeat {
        name: "backup".into(),
        expected,
        grace: mins(10),
        run_timeout: mins(30),
        id: None,
        priority: Priority::High,
        category: Category::Database,
        labels: [("service".to_owned(), "ledger".to_owned())].into(),
        annotations: BTreeMap::new(),
    }
}

fn nightly() -> Heartbeat {
    heartbeat(Expected::Cron(Box::new(Calendar::new("0 2 * * *", jiff::tz::TimeZone::UTC).unwrap())))
}

fn beat(kind: Kind) -> Beat {
    Beat { kind, exit_code: None, run: None, body: String::new() }
}

/// Signals and series, written down.
#[derive(Default)]
struct Told {
    signals: Locked<Vec<Signal>>,
    batches: Locked<Vec<Batch>>,
}

impl SignalSink for Told {
    fn record<'a>(&'a self, _: &'a mut Tx, signals: &'a [Signal]) -> Recording<'a> {
        self.signals.lock().extend_from_slice(signals);
        Box::pin(async { Ok(vec![None; signals.len()]) })
    }
    fn committed(&self) {}
}

impl TelemetrySink for Told {
    fn append(&self, batch: Batch) -> Pin<Box<dyn Future<Output = Result<Appended, AppendError>> + Send + '_>> {
        self.batches.lock().push(batch);
        Box::pin(async { Ok(Appended::default()) })
    }
}

struct World {
    dir: tempfile::TempDir,
    env: Env,
    clock: Arc<VirtualClock>,
    told: Arc<Told>,
    heartbeat: Heartbeat,
    heartbeats: Heartbeats,
}

impl World {
    async fn new(heartbeat: Heartbeat) -> Self {
        let (env, clock) = watchkeeper_testkit::env();
        let dir = tempfile::tempdir().unwrap();
        let told = Arc::<Told>::default();
        let heartbeats = open(&dir, &env, &told, &heartbeat).await;
        Self { dir, env, clock, told, heartbeat, heartbeats }
    }

    /// Watches for so long, as the supervisor would: from one due time to the next.
    async fn pass_time(&self, span: Span) {
        let end = self.clock.now() + span;
        loop {
            let due = self.heartbeats.pass().await.unwrap().next_due.unwrap_or(end);
            if due >= end {
                break;
            }
            self.clock.advance(due.since(self.clock.now()));
        }
        self.clock.advance(end.since(self.clock.now()));
        self.heartbeats.pass().await.unwrap();
    }

    /// Nobody listens for so long, and the process that comes then is another one.
    async fn down(mut self, span: Span) -> Self {
        self.heartbeats.state.close().await;
        self.clock.advance(span);
        self.heartbeats = open(&self.dir, &self.env, &self.told, &self.heartbeat).await;
        self
    }

    async fn hear(&self, kind: Kind) {
        assert!(self.heartbeats.beat("backup", &beat(kind)).await.unwrap());
    }

    async fn status(&self) -> Status {
        self.heartbeats.statuses().await.unwrap().remove(0)
    }

    async fn standing(&self) -> Standing {
        self.status().await.record.standing
    }

    fn said(&self) -> Vec<(String, &'static str)> {
        let word = |verdict: &Verdict| match verdict {
            Verdict::Firing => "firing",
            Verdict::Resolved => "resolved",
            Verdict::Unknown { .. } => "unknown",
        };
        self.told.signals.lock().iter().map(|signal| (signal.name.clone(), word(&signal.verdict))).collect()
    }
}

async fn open(dir: &tempfile::TempDir, env: &Env, told: &Arc<Told>, heartbeat: &Heartbeat) -> Heartbeats {
    let state = State::open(&dir.path().join("state.db")).await.unwrap();
    let heartbeats = Heartbeats::new(env.clone(), state, Arc::clone(told) as _, Arc::clone(told) as _, Wake::default());
    heartbeats.apply(std::slice::from_ref(heartbeat));
    heartbeats
}

const LATE: (&str, &str) = ("HeartbeatLate", "firing");
const BACK: (&str, &str) = ("HeartbeatLate", "resolved");

fn words(all: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
    all.iter().map(|(name, word)| ((*name).to_owned(), *word)).collect()
}

#[tokio::test]
async fn a_job_that_never_reported_is_unknown_and_one_that_stops_is_late_after_its_grace_until_it_is_back() {
    let world = World::new(heartbeat(Expected::Every(mins(60)))).await;
    world.pass_time(mins(600)).await;
    assert_eq!((world.standing().await, world.said()), (Standing::New, vec![]));
    world.hear(Kind::Success).await;
    world.pass_time(mins(69)).await;
    assert_eq!((world.standing().await, world.said()), (Standing::Up, vec![]));
    world.pass_time(mins(1)).await;
    assert_eq!((world.standing().await, world.said()), (Standing::Late, words(&[LATE])));
    let signal = world.told.signals.lock()[0].clone();
    assert_eq!(
        signal.labels.to_string(),
        r#"{alertname="HeartbeatLate", category="database", heartbeat="backup", priority="high", service="ledger"}"#
    );
    assert_eq!(signal.reason, "no report since 2026-11-22T18:00:00.000Z; it was expected at 2026-11-22T19:00:00.000Z");
    world.pass_time(mins(600)).await;
    world.hear(Kind::Success).await;
    assert_eq!((world.standing().await, world.said()), (Standing::Up, words(&[LATE, BACK])));
}

#[tokio::test]
async fn a_failure_is_told_at_once_and_a_success_ends_it() {
    let world = World::new(nightly()).await;
    let failed = Beat { exit_code: Some(3), body: "disk full".into(), ..beat(Kind::Fail) };
    world.heartbeats.beat("backup", &failed).await.unwrap();
    assert_eq!(world.said(), words(&[("HeartbeatFailed", "firing")]));
    assert_eq!(world.status().await.record.reason, "the job reported that it failed with exit status 3");
    world.pass_time(mins(3 * 1_440)).await;
    assert_eq!(world.said().len(), 1, "that it is late as well is no news");
    world.hear(Kind::Success).await;
    assert_eq!(world.said(), words(&[("HeartbeatFailed", "firing"), ("HeartbeatFailed", "resolved")]));
    let seen = beats(world.heartbeats.state.read(), "backup").await.unwrap();
    assert_eq!(seen[1].body, "disk full");
    assert_eq!(seen[1].exit_code, Some(3));
}

#[tokio::test]
async fn runs_are_timed_told_apart_and_late_when_they_do_not_end() {
    let world = World::new(heartbeat(Expected::Every(mins(60)))).await;
    let named = |kind, run: &str| Beat { run: Some(run.into()), ..beat(kind) };
    world.heartbeats.beat("backup", &named(Kind::Start, "a")).await.unwrap();
    world.pass_time(mins(5)).await;
    world.heartbeats.beat("backup", &named(Kind::Start, "b")).await.unwrap();
    world.pass_time(mins(2)).await;
    world.heartbeats.beat("backup", &named(Kind::Success, "b")).await.unwrap();
    assert_eq!(world.status().await.record.took, Some(mins(2)));
    world.heartbeats.beat("backup", &named(Kind::Success, "a")).await.unwrap();
    let record = world.status().await.record;
    assert_eq!((record.took, record.overlaps, record.runs.len()), (Some(mins(7)), 1, 0));
    world.hear(Kind::Start).await;
    world.pass_time(mins(29)).await;
    assert_eq!(world.said(), vec![]);
    world.pass_time(mins(1)).await;
    assert_eq!(world.said(), words(&[LATE]));
    assert!(world.status().await.record.reason.contains("did not report its end within 30m"));
    let seen = beats(world.heartbeats.state.read(), "backup").await.unwrap();
    let took: Vec<Option<Span>> = seen.iter().map(|seen| seen.took).collect();
    assert_eq!(took, [None, Some(mins(7)), Some(mins(2)), None, None]);
}

#[tokio::test]
async fn a_deadline_that_passed_while_nobody_listened_makes_the_job_unknown_and_the_next_one_counts() {
    // The world begins at 08:00; the job reports at 02:00, with ten minutes of grace.
    let world = World::new(nightly()).await;
    world.hear(Kind::Success).await;
    world.pass_time(mins(17 * 60)).await;
    let world = world.down(mins(120)).await;
    world.pass_time(mins(1)).await;
    assert_eq!((world.standing().await, world.said()), (Standing::Unknown, vec![]));
    assert!(world.status().await.record.reason.starts_with("this server heard nothing from 2026-11-23T01:0"));
    world.pass_time(mins(23 * 60)).await;
    assert_eq!(world.standing().await, Standing::Unknown);
    world.pass_time(mins(10)).await;
    assert_eq!((world.standing().await, world.said()), (Standing::Late, words(&[LATE])));
}

#[tokio::test]
async fn an_outage_beside_the_deadline_excuses_nothing_and_a_late_job_stays_late_over_a_restart() {
    let world = World::new(nightly()).await;
    world.hear(Kind::Success).await;
    world.pass_time(mins(60)).await;
    let world = world.down(mins(600)).await;
    world.pass_time(mins(7 * 60 + 10)).await;
    assert_eq!((world.standing().await, world.said()), (Standing::Late, words(&[LATE])));
    let world = world.down(mins(1_440)).await;
    world.pass_time(mins(1_440)).await;
    assert_eq!((world.standing().await, world.said()), (Standing::Late, words(&[LATE])));
}

#[tokio::test]
async fn a_job_by_the_hour_gets_a_whole_period_after_an_outage_and_a_restart_of_seconds_is_one_too() {
    let world = World::new(heartbeat(Expected::Every(mins(60)))).await;
    world.hear(Kind::Success).await;
    world.pass_time(mins(62)).await;
    let world = world.down(Span::from_secs(3)).await;
    world.pass_time(mins(10)).await;
    assert_eq!((world.standing().await, world.said()), (Standing::Unknown, vec![]));
    world.pass_time(mins(50)).await;
    assert_eq!(world.standing().await, Standing::Unknown);
    world.pass_time(mins(11)).await;
    assert_eq!((world.standing().await, world.said()), (Standing::Late, words(&[LATE])));
}

#[tokio::test]
async fn a_heartbeat_that_is_taken_out_ends_its_alert() {
    let world = World::new(heartbeat(Expected::Every(mins(60)))).await;
    world.hear(Kind::Success).await;
    world.pass_time(mins(80)).await;
    world.heartbeats.apply(&[]);
    world.pass_time(mins(1)).await;
    assert_eq!(world.said(), words(&[LATE, BACK]));
    assert!(!world.heartbeats.beat("backup", &beat(Kind::Success)).await.unwrap());
    assert_eq!(beats(world.heartbeats.state.read(), "backup").await.unwrap(), []);
}

#[tokio::test]
async fn its_series_are_written_with_each_beat_and_every_minute() {
    let world = World::new(heartbeat(Expected::Every(mins(60)))).await;
    world.hear(Kind::Success).await;
    world.pass_time(mins(3)).await;
    let batches = world.told.batches.lock();
    let found =
        |batch: &Batch, name: &str| batch.series.iter().find(|s| s.labels.name() == Some(name)).map(|s| s.samples[0].v);
    assert!(batches.len() >= 4, "{}", batches.len());
    let at = found(&batches[0], "heartbeat_last_success_timestamp_seconds");
    assert_eq!(at, Some(watchkeeper_testkit::START.as_secs_f64()));
    assert_eq!(found(batches.last().unwrap(), "heartbeat_up"), Some(1.0));
}
