//! The runner on a clock that is moved by hand, with targets that answer what the test wants.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use regex::Regex;
use tokio::sync::Notify;
use watchkeeper_config::model::scrape::{
    FileDiscovery, Relabel, RelabelAction, ScrapeJob, ScrapeLimits, ScrapeTls, TargetGroup,
};
use watchkeeper_domain::labels::NAME;
use watchkeeper_domain::telemetry::{AppendError, Appended, Batch, TelemetrySink, is_stale};
use watchkeeper_domain::{Env, Span};
use watchkeeper_testkit::VirtualClock;

use super::*;
use crate::fetch::Request;

/// What each URL answers; a URL that is not there never does.
#[derive(Default)]
struct Peers {
    answers: Mutex<BTreeMap<String, Result<String, FetchError>>>,
    asked: Mutex<Vec<String>>,
    /// Whether the next one asked breaks.
    panics: Mutex<bool>,
}

impl Fetch for Peers {
    fn fetch(&self, request: Request) -> Pin<Box<dyn Future<Output = Result<Answer, FetchError>> + Send + '_>> {
        Box::pin(async move {
            self.asked.lock().push(request.url.to_string());
            assert!(!std::mem::take(&mut *self.panics.lock()), "a defect");
            let answer = self.answers.lock().get(request.url.as_str()).cloned();
            match answer {
                Some(answer) => Ok(Answer { content_type: Some("text/plain".into()), body: Bytes::from(answer?) }),
                None => std::future::pending().await,
            }
        })
    }
}

#[derive(Default)]
struct Kept {
    batches: Mutex<Vec<Batch>>,
    refuses: Mutex<bool>,
    more: Notify,
}

impl TelemetrySink for Kept {
    fn append(&self, batch: Batch) -> Pin<Box<dyn Future<Output = Result<Appended, AppendError>> + Send + '_>> {
        Box::pin(async move {
            self.more.notify_one();
            if *self.refuses.lock() {
                return Err(AppendError::Overloaded { retry_after_s: 1 });
            }
            self.batches.lock().push(batch);
            Ok(Appended::default())
        })
    }
}

struct World {
    env: Env,
    clock: Arc<VirtualClock>,
    peers: Arc<Peers>,
    kept: Arc<Kept>,
    runner: Arc<ScrapeRunner>,
}

impl World {
    #[expect(clippy::disallowed_methods, reason = "the test plays the supervisor")]
    fn new(jobs: &[ScrapeJob]) -> Self {
        let (env, clock) = watchkeeper_testkit::env();
        let (peers, kept) = (Arc::new(Peers::default()), Arc::new(Kept::default()));
        let asked = Arc::clone(&peers);
        let make = Arc::new(move |_: &ScrapeTls| Ok(Arc::clone(&asked) as Arc<dyn Fetch>));
        let runner = Arc::new(ScrapeRunner::new(env.clone(), make, Arc::clone(&kept) as _));
        runner.apply(jobs);
        let running = Arc::clone(&runner);
        tokio::spawn(async move { running.run(std::future::pending()).await });
        Self { env, clock, peers, kept, runner }
    }

    fn answers(&self, address: &str, body: &str) {
        self.peers.answers.lock().insert(format!("http://{address}/metrics"), Ok(body.to_owned()));
    }

    /// Lets time pass until one more batch was appended, and returns it as lines, sorted.
    async fn next(&self) -> Vec<String> {
        self.until_appended().await;
        let batch = self.kept.batches.lock().pop().unwrap_or_default();
        lines(&batch)
    }

    async fn until_appended(&self) {
        loop {
            tokio::select! {
                biased;
                () = self.kept.more.notified() => break,
                () = async { for _ in 0..50 { tokio::task::yield_now().await } } => {
                    self.clock.advance(Span::from_millis(100));
                }
            }
        }
        // The runner hears of the end of its task.
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }
}

fn lines(batch: &Batch) -> Vec<String> {
    let mut lines: Vec<String> = batch
        .series
        .iter()
        .filter(|series| series.labels.name() != Some("scrape_duration_seconds"))
        .map(|series| {
            let v = series.samples[0].v;
            if is_stale(v) { format!("{} stale", series.labels) } else { format!("{} {v}", series.labels) }
        })
        .collect();
    lines.sort();
    lines
}

fn job(name: &str, targets: &[&str]) -> ScrapeJob {
    ScrapeJob {
        name: name.to_owned(),
        interval: Span::from_secs(15),
        timeout: Span::from_secs(10),
        path: "/metrics".to_owned(),
        https: false,
        params: Vec::new(),
        honor_labels: false,
        honor_timestamps: true,
        track_timestamps_staleness: false,
        authorization: None,
        tls: ScrapeTls::default(),
        groups: vec![TargetGroup {
            targets: targets.iter().map(ToString::to_string).collect(),
            labels: BTreeMap::new(),
        }],
        files: Vec::new(),
        urls: Vec::new(),
        relabel: Vec::new(),
        metric_relabel: Vec::new(),
        limits: ScrapeLimits::default(),
    }
}

fn step(action: RelabelAction, source: &str, regex: &str) -> Relabel {
    Relabel {
        action,
        source_labels: vec![source.to_owned()],
        separator: ";".into(),
        regex: Regex::new(&format!("^(?s:{regex})$")).unwrap(),
        modulus: 0,
        target_label: String::new(),
        replacement: "$1".into(),
    }
}

#[tokio::test]
async fn a_scrape_becomes_series_of_its_target_with_a_report() {
    let world = World::new(&[job("node", &["a:9100"])]);
    assert_eq!(world.runner.statuses()[0].health, Health::Unknown, "not scraped is not healthy");
    world.answers(
        "a:9100",
        "# TYPE x counter\n# HELP x How many.\nx{job=\"own\",z=\"1\"} 5\nx{z=\"1\",job=\"own\"} 6\ny 1\n",
    );
    assert_eq!(
        world.next().await,
        [
            r#"scrape_samples_post_metric_relabeling{instance="a:9100", job="node"} 3"#,
            r#"scrape_samples_scraped{instance="a:9100", job="node"} 3"#,
            r#"scrape_series_added{instance="a:9100", job="node"} 2"#,
            r#"up{instance="a:9100", job="node"} 1"#,
            r#"x{exported_job="own", instance="a:9100", job="node", z="1"} 5"#,
            r#"y{instance="a:9100", job="node"} 1"#,
        ]
    );
    let status = &world.runner.statuses()[0];
    assert_eq!((status.health, status.samples, &status.error), (Health::Up, 3, &None));
    let first = status.last.unwrap();
    world.next().await;
    let second = world.runner.statuses()[0].last.unwrap();
    world.next().await;
    let third = world.runner.statuses()[0].last.unwrap();
    assert_eq!(third.since(second), Span::from_secs(15), "each in its turn");
    assert!(second.since(first) <= Span::from_secs(15));
    assert_eq!(world.runner.metadata().len(), 1);
}

#[tokio::test]
async fn what_is_no_longer_said_ends_and_so_does_everything_when_a_scrape_fails() {
    let world = World::new(&[job("node", &["a:9100"])]);
    world.answers("a:9100", "x 1\ny 1\nt 1 1000\n");
    world.next().await;
    world.answers("a:9100", "x 1\n");
    let batch = world.next().await;
    assert!(batch.contains(&r#"y{instance="a:9100", job="node"} stale"#.to_owned()), "{batch:?}");
    assert!(!batch.iter().any(|line| line.starts_with("t{")), "what has times of its own ends by itself: {batch:?}");
    world.answers("a:9100", "x 1\nx{");
    let batch = world.next().await;
    assert!(batch.contains(&r#"x{instance="a:9100", job="node"} stale"#.to_owned()), "{batch:?}");
    assert!(batch.contains(&r#"up{instance="a:9100", job="node"} 0"#.to_owned()), "{batch:?}");
    let status = &world.runner.statuses()[0];
    assert_eq!(status.health, Health::Down);
    assert!(status.error.as_ref().unwrap().contains("line 2, column 3"), "{:?}", status.error);
    let batch = world.next().await;
    assert_eq!(batch.len(), 4, "it has ended already: {batch:?}");
}

#[tokio::test]
async fn a_target_that_does_not_answer_is_down_and_delays_nobody() {
    let world = World::new(&[job("node", &["slow:1", "quick:1"])]);
    world.answers("quick:1", "x 1\n");
    let mut quick = 0;
    loop {
        let batch = world.next().await;
        if batch.contains(&r#"up{instance="slow:1", job="node"} 0"#.to_owned()) {
            break;
        }
        quick += 1;
        assert!(batch.contains(&r#"up{instance="quick:1", job="node"} 1"#.to_owned()), "{batch:?}");
    }
    assert!(quick >= 1);
    let slow = world.runner.statuses().into_iter().find(|s| s.target.url.host_str() == Some("slow")).unwrap();
    assert_eq!(slow.error.as_deref(), Some("no answer within 10s"));
}

#[tokio::test]
async fn a_scrape_that_panics_is_seen_and_tried_again() {
    let world = World::new(&[job("node", &["a:9100"])]);
    world.answers("a:9100", "x 1\n");
    *world.peers.panics.lock() = true;
    while world.runner.statuses()[0].health != Health::Down {
        tokio::task::yield_now().await;
        world.clock.advance(Span::from_millis(100));
    }
    assert!(world.runner.statuses()[0].error.as_ref().unwrap().contains("panicked"));
    assert!(world.next().await.contains(&r#"up{instance="a:9100", job="node"} 1"#.to_owned()));
}

#[tokio::test]
async fn a_target_that_a_reload_takes_away_ends_and_the_others_go_on() {
    let world = World::new(&[job("node", &["a:1", "b:1"])]);
    world.answers("a:1", "x 1\n");
    world.answers("b:1", "x 2\n");
    world.next().await;
    world.next().await;
    let kept = world.runner.statuses()[1].last;
    world.runner.apply(&[job("node", &["b:1"])]);
    let batch = world.next().await;
    assert_eq!(batch.iter().filter(|line| line.ends_with("stale") && line.contains("a:1")).count(), 5, "{batch:?}");
    assert_eq!(world.runner.statuses()[0].last, kept);
}

#[tokio::test]
async fn relabelling_chooses_targets_and_samples_and_limits_fail_the_scrape() {
    let mut dropping = job("node", &["a:1", "b:1"]);
    dropping.relabel = vec![step(RelabelAction::Keep, "__address__", "a:1")];
    dropping.metric_relabel = vec![step(RelabelAction::Drop, NAME, "go_.*")];
    let mut limited = job("small", &["c:1"]);
    limited.limits.samples = Some(1);
    let world = World::new(&[dropping, limited]);
    world.answers("a:1", "go_threads 1\nx 1\n");
    world.answers("c:1", "x 1\ny 1\n");
    let mut all = world.next().await;
    all.extend(world.next().await);
    assert!(all.contains(&r#"scrape_samples_scraped{instance="a:1", job="node"} 2"#.to_owned()), "{all:?}");
    assert!(
        all.contains(&r#"scrape_samples_post_metric_relabeling{instance="a:1", job="node"} 1"#.to_owned()),
        "{all:?}"
    );
    assert!(!all.iter().any(|line| line.contains("go_threads") || line.contains("b:1")), "{all:?}");
    assert!(all.contains(&r#"up{instance="c:1", job="small"} 0"#.to_owned()), "{all:?}");
    let status = world.runner.statuses().into_iter().find(|s| s.job == "small").unwrap();
    assert!(status.error.unwrap().contains("sample_limit"));
    assert_eq!(world.runner.dropped()[0].discovered.get("__address__"), Some("b:1"));
}

#[tokio::test]
async fn what_could_not_be_kept_is_told_and_is_ended_later() {
    let world = World::new(&[job("node", &["a:1"])]);
    world.answers("a:1", "x 1\n");
    world.next().await;
    *world.kept.refuses.lock() = true;
    world.answers("a:1", "y 1\n");
    world.until_appended().await;
    assert!(world.runner.statuses()[0].error.as_ref().unwrap().contains("could not be kept"));
    *world.kept.refuses.lock() = false;
    let batch = world.next().await;
    assert!(batch.contains(&r#"x{instance="a:1", job="node"} stale"#.to_owned()), "{batch:?}");
}

#[tokio::test]
async fn files_are_read_again_and_a_broken_one_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("targets.json");
    std::fs::write(&path, r#"[{"targets": ["a:1"], "labels": {"zone": "west"}}]"#).unwrap();
    let mut found = job("files", &[]);
    found.files = vec![FileDiscovery { paths: vec![folder.path().join("t*.json")], refresh: Span::from_secs(5) }];
    let world = World::new(&[found]);
    world.answers("a:1", "x 1\n");
    world.answers("b:1", "x 1\n");
    // Reading a file takes a thread, and that takes real time: the clock waits for it.
    let until = async |count: usize, problem: bool| {
        while world.runner.statuses().len() != count || world.runner.problems().is_empty() == problem {
            tokio::task::spawn_blocking(|| ()).await.unwrap();
            world.clock.advance(Span::from_millis(100));
        }
    };
    until(1, false).await;
    assert_eq!(world.runner.statuses()[0].target.labels.get("zone"), Some("west"));
    std::fs::write(&path, r#"[{"targets": ["a:1", "#).unwrap();
    until(1, true).await;
    assert!(world.runner.problems()[0].1.contains("targets.json"), "{:?}", world.runner.problems());
    std::fs::write(&path, r#"[{"targets": ["a:1", "b:1"]}]"#).unwrap();
    until(2, false).await;
    assert!(world.env.now() > watchkeeper_testkit::START);
}
