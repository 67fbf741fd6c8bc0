//! Keeps the targets of all jobs, and scrapes each in its turn.
//!
//! Not one loop of awaits: each scrape and each discovery is a task of its own, so that a slow target delays nobody. The
//! runner starts them, hears of their ends, and never waits for one while it holds anything.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use watchkeeper_config::model::scrape::{ScrapeJob, TargetGroup};
use watchkeeper_domain::telemetry::TelemetrySink;
use watchkeeper_domain::{Env, Labels, Span, Timestamp};

use crate::discovery;
use crate::fetch::{Fetch, MakeFetch};
use crate::sample::{self, Memory};
use crate::scrape::{Work, scrape};
use crate::target::{self, Outcome, Target};

/// The first scrapes after a start are spread over this long, or over the interval if that is shorter.
const FIRST: Span = Span::from_secs(2);
/// The most dropped targets of a job that are remembered.
const MOST_DROPPED: usize = 200;

/// What is known of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It was not scraped yet.
    Unknown,
    /// The last scrape brought samples.
    Up,
    /// The last scrape failed.
    Down,
}

/// A target as it is scraped.
#[derive(Debug, Clone)]
pub struct TargetStatus {
    /// Its job.
    pub job: String,
    /// The target.
    pub target: Target,
    /// How it is.
    pub health: Health,
    /// Since when; none before its first scrape.
    pub since: Option<Timestamp>,
    /// The last scrape.
    pub last: Option<Timestamp>,
    /// How long that took.
    pub duration: Span,
    /// Why it failed, or why what it brought could not be kept.
    pub error: Option<String>,
    /// How many samples it brought, before relabelling.
    pub samples: usize,
    /// When it is scraped next.
    pub next: Timestamp,
}

/// Something that was found and is not scraped.
#[derive(Debug, Clone)]
pub struct DroppedTarget {
    /// Its job.
    pub job: String,
    /// Its labels as they were found.
    pub discovered: Labels,
    /// Why it is refused; none: relabelling dropped it.
    pub why: Option<String>,
}

struct Slot {
    status: TargetStatus,
    running: bool,
    memory: Memory,
    /// Bounds and relabelling as they are now; the memory of the scrapes before stays.
    job: Arc<ScrapeJob>,
}

struct Job {
    config: Arc<ScrapeJob>,
    fetch: Result<Arc<dyn Fetch>, String>,
    /// What each discovery found last, in the order files, then URLs.
    found: Vec<Found>,
    dropped: Vec<DroppedTarget>,
    problem: Option<String>,
}

#[derive(Default)]
struct Found {
    groups: Vec<TargetGroup>,
    next: Timestamp,
    running: bool,
    problem: Option<String>,
}

type Key = (String, Labels, String);

#[derive(Default)]
struct Plan {
    jobs: BTreeMap<String, Job>,
    slots: HashMap<Key, Slot>,
    /// What went away and whose series are still to be ended.
    gone: Vec<(Target, Memory)>,
}

/// Scrapes.
pub struct ScrapeRunner {
    env: Env,
    make: MakeFetch,
    sink: Arc<dyn TelemetrySink>,
    plan: Arc<Mutex<Plan>>,
    changed: Arc<Notify>,
}

enum Due {
    Scrape(Key, Box<Work>),
    Files(String, usize),
    Url(String, usize),
    End(Target, Memory),
}

impl ScrapeRunner {
    /// A runner without jobs; [`apply`](Self::apply) gives it some.
    pub fn new(env: Env, make: MakeFetch, sink: Arc<dyn TelemetrySink>) -> Self {
        Self { env, make, sink, plan: Arc::default(), changed: Arc::default() }
    }

    /// Takes over a configuration. A target that is still there keeps its pace, its state and what it brought.
    pub fn apply(&self, jobs: &[ScrapeJob]) {
        let now = self.env.now();
        let mut plan = self.plan.lock();
        let mut before = std::mem::take(&mut plan.jobs);
        for config in jobs {
            let discoveries = config.files.len() + config.urls.len();
            let found = match before.remove(&config.name) {
                Some(old) if old.config.files == config.files && same_urls(&old.config, config) => old.found,
                _ => (0..discoveries).map(|_| Found { next: now, ..Found::default() }).collect(),
            };
            let fetch = (self.make)(&config.tls).map_err(|e| e.to_string());
            let job = Job { config: Arc::new(config.clone()), fetch, found, dropped: Vec::new(), problem: None };
            plan.jobs.insert(config.name.clone(), job);
        }
        plan.retarget(&self.env);
        drop(plan);
        self.changed.notify_one();
    }

    /// All targets, by job and instance.
    #[must_use]
    pub fn statuses(&self) -> Vec<TargetStatus> {
        let mut all: Vec<TargetStatus> = self.plan.lock().slots.values().map(|slot| slot.status.clone()).collect();
        all.sort_by(|a, b| (&a.job, &a.target.labels).cmp(&(&b.job, &b.target.labels)));
        all
    }

    /// What was found and is not scraped; of each job the first 200.
    #[must_use]
    pub fn dropped(&self) -> Vec<DroppedTarget> {
        self.plan.lock().jobs.values().flat_map(|job| job.dropped.clone()).collect()
    }

    /// The jobs, by name.
    #[must_use]
    pub fn jobs(&self) -> Vec<String> {
        self.plan.lock().jobs.keys().cloned().collect()
    }

    /// What is wrong with jobs as a whole: a list that cannot be read, a certificate that is none. Job, problem.
    #[must_use]
    pub fn problems(&self) -> Vec<(String, String)> {
        let plan = self.plan.lock();
        let of = |job: &Job| {
            let own = job.problem.iter().chain(job.fetch.as_ref().err());
            own.chain(job.found.iter().filter_map(|found| found.problem.as_ref())).cloned().collect::<Vec<_>>()
        };
        plan.jobs.iter().flat_map(|(name, job)| of(job).into_iter().map(|p| (name.clone(), p))).collect()
    }

    /// What targets say about their metrics: labels of the target, and the metadata.
    #[must_use]
    pub fn metadata(&self) -> Vec<(Labels, watchkeeper_domain::telemetry::MetricMeta)> {
        let plan = self.plan.lock();
        let of = |slot: &Slot| {
            let labels = slot.status.target.labels.clone();
            slot.memory.meta.values().map(move |meta| (labels.clone(), meta.clone())).collect::<Vec<_>>()
        };
        plan.slots.values().flat_map(of).collect()
    }

    /// Scrapes until `stop` completes. Scrapes under way are then given up, and no series is ended: it goes on after a
    /// restart.
    pub async fn run(&self, stop: impl Future<Output = ()> + Send) {
        let mut tasks: JoinSet<()> = JoinSet::new();
        tokio::pin!(stop);
        loop {
            let (due, next) = self.plan.lock().take_due(self.env.now());
            for due in due {
                let (env, sink) = (self.env.clone(), Arc::clone(&self.sink));
                let (plan, changed) = (Arc::clone(&self.plan), Arc::clone(&self.changed));
                tasks.spawn(async move {
                    carry_out(due, &env, sink.as_ref(), &plan).await;
                    changed.notify_one();
                });
            }
            tokio::select! {
                () = &mut stop => return,
                Some(_) = tasks.join_next() => {}
                () = self.changed.notified() => {}
                () = async {
                    match next {
                        Some(at) => self.env.clock.sleep_until(at).await,
                        None => std::future::pending().await,
                    }
                } => {}
            }
        }
    }
}

fn same_urls(a: &ScrapeJob, b: &ScrapeJob) -> bool {
    a.urls.len() == b.urls.len() && a.urls.iter().zip(&b.urls).all(|(a, b)| a.url == b.url)
}

/// Does what is due, and writes down what came of it.
async fn carry_out(due: Due, env: &Env, sink: &dyn TelemetrySink, plan: &Mutex<Plan>) {
    match due {
        Due::Scrape(key, work) => {
            let done = AssertUnwindSafe(scrape(*work, env, sink)).catch_unwind().await;
            let mut plan = plan.lock();
            let Ok(done) = done else {
                tracing::error!(job = key.0, "a scrape panicked; this is a defect, please report it");
                // It must be tried again, and must not look healthy meanwhile.
                if let Some(slot) = plan.slots.get_mut(&key) {
                    let now = env.now();
                    (slot.running, slot.status.health, slot.status.since) = (false, Health::Down, Some(now));
                    slot.status.error = Some("the scrape panicked; this is a defect, please report it".to_owned());
                }
                return;
            };
            // A reload may have taken the target away meanwhile: then its series end here.
            let Some(slot) = plan.slots.get_mut(&key) else {
                plan.gone.push((done.target, done.memory));
                return;
            };
            slot.running = false;
            slot.memory = done.memory;
            let health = if done.up { Health::Up } else { Health::Down };
            let status = &mut slot.status;
            if status.health != health {
                (status.health, status.since) = (health, Some(done.at));
            }
            (status.last, status.duration) = (Some(done.at), done.duration);
            (status.error, status.samples) = (done.error, done.samples);
        }
        Due::Files(job, place) => {
            let Some(discovery) = plan.lock().jobs.get(&job).and_then(|j| j.config.files.get(place).cloned()) else {
                return;
            };
            let read = tokio::task::spawn_blocking(move || discovery::from_files(&discovery)).await;
            // It must be tried again, and must not look healthy meanwhile.
            let broken =
                |_| (Vec::new(), vec!["reading the files panicked; this is a defect, please report it".to_owned()]);
            let (groups, problems) = read.unwrap_or_else(broken);
            let problem = (!problems.is_empty()).then(|| problems.join("; "));
            plan.lock().found(&job, place, (problem.is_none() || !groups.is_empty()).then_some(groups), problem, env);
        }
        Due::Url(job, place) => {
            let asked = {
                let plan = plan.lock();
                plan.jobs.get(&job).and_then(|j| {
                    let discovery = j.config.urls.get(place - j.config.files.len())?.clone();
                    Some((j.fetch.clone(), discovery, j.config.timeout))
                })
            };
            let Some((fetch, discovery, timeout)) = asked else { return };
            let found = match fetch {
                Err(problem) => Err(problem),
                Ok(fetch) => tokio::select! {
                    found = discovery::from_url(fetch.as_ref(), &discovery) => found,
                    () = env.clock.sleep_until(env.now() + timeout) => Err(format!("no answer within {timeout}")),
                },
            };
            let (groups, problem) = match found {
                Ok(groups) => (Some(groups), None),
                Err(problem) => (None, Some(format!("{}: {problem}", discovery.url))),
            };
            plan.lock().found(&job, place, groups, problem, env);
        }
        Due::End(target, memory) => {
            let at = env.now();
            let mut batch = sample::ended(&memory, at);
            batch.series.extend(sample::report_ended(&target, at));
            if let Err(error) = sink.append(batch).await {
                tracing::warn!(url = %target.shown_url(), %error, "the end of a target's series could not be kept");
            }
        }
    }
}

impl Plan {
    /// What is to be started now, and when something is due next.
    fn take_due(&mut self, now: Timestamp) -> (Vec<Due>, Option<Timestamp>) {
        let mut due: Vec<Due> = self.gone.drain(..).map(|(target, memory)| Due::End(target, memory)).collect();
        let mut next: Option<Timestamp> = None;
        let mut sooner = |at: Timestamp| next = Some(next.map_or(at, |n: Timestamp| n.min(at)));
        for (name, job) in &mut self.jobs {
            let files = job.config.files.iter().map(|f| f.refresh);
            let refreshes: Vec<Span> = files.chain(job.config.urls.iter().map(|u| u.refresh)).collect();
            for (place, (found, refresh)) in job.found.iter_mut().zip(refreshes).enumerate() {
                // A clock that was set back must not silence a discovery for hours.
                if (found.next <= now || found.next > now + refresh) && !found.running {
                    (found.running, found.next) = (true, now + refresh);
                    let of_file = place < job.config.files.len();
                    due.push(if of_file { Due::Files(name.clone(), place) } else { Due::Url(name.clone(), place) });
                }
                // One that is being read wakes the runner when it is done; its time may have passed before that.
                if !found.running {
                    sooner(found.next);
                }
            }
        }
        for (key, slot) in &mut self.slots {
            let target = &slot.status.target;
            let late = slot.status.next > now + target.interval;
            if slot.status.next <= now || late {
                slot.status.next = turn(target, now);
                if !slot.running && !late {
                    let fetch = self.jobs.get(&slot.status.job).map(|job| match &job.problem {
                        Some(problem) => Err(problem.clone()),
                        None => job.fetch.clone(),
                    });
                    slot.running = true;
                    let work = Work {
                        job: Arc::clone(&slot.job),
                        target: target.clone(),
                        fetch: fetch.unwrap_or_else(|| Err("its job is gone".to_owned())),
                        memory: std::mem::take(&mut slot.memory),
                    };
                    due.push(Due::Scrape(key.clone(), Box::new(work)));
                }
            }
            sooner(slot.status.next);
        }
        (due, next)
    }

    fn found(&mut self, job: &str, place: usize, groups: Option<Vec<TargetGroup>>, problem: Option<String>, env: &Env) {
        let Some(found) = self.jobs.get_mut(job).and_then(|job| job.found.get_mut(place)) else { return };
        found.running = false;
        if let Some(problem) = problem.as_ref().filter(|p| found.problem.as_ref() != Some(p)) {
            tracing::warn!(job, problem, "targets could not be found; those found before stay");
        }
        found.problem = problem;
        if let Some(groups) = groups.filter(|groups| *groups != found.groups) {
            found.groups = groups;
            self.retarget(env);
        }
    }

    /// Makes the targets anew; those that are still there keep their state.
    fn retarget(&mut self, env: &Env) {
        let now = env.now();
        let mut before = std::mem::take(&mut self.slots);
        for (name, job) in &mut self.jobs {
            (job.dropped, job.problem) = (Vec::new(), None);
            let groups = job.config.groups.iter().chain(job.found.iter().flat_map(|found| &found.groups));
            let mut count = 0_usize;
            let config = Arc::clone(&job.config);
            for outcome in groups.flat_map(|group| target::of_group(&config, group)) {
                let (discovered, why) = match outcome {
                    Outcome::Target(target) => {
                        let key = (name.clone(), target.labels.clone(), target.url.to_string());
                        if self.slots.contains_key(&key) {
                            continue;
                        }
                        count += 1;
                        match before.remove(&key) {
                            Some(mut slot) => {
                                (slot.status.target, slot.job) = (*target, Arc::clone(&config));
                                self.slots.insert(key, slot);
                            }
                            None => {
                                self.slots.insert(key, Slot::new(name, *target, &config, now));
                            }
                        }
                        continue;
                    }
                    Outcome::Dropped(discovered) => (discovered, None),
                    Outcome::Refused { discovered, why } => (discovered, Some(why)),
                };
                if job.dropped.len() < MOST_DROPPED {
                    job.dropped.push(DroppedTarget { job: name.clone(), discovered, why });
                }
            }
            if let Some(most) = config.limits.targets.filter(|most| count > *most as usize) {
                // All fail, as with Prometheus: a part of them would look like the whole.
                job.problem = Some(format!("it has {count} targets, the limit is {most} (`target_limit`)"));
            }
        }
        for slot in before.into_values().filter(|slot| !slot.running && slot.status.last.is_some()) {
            self.gone.push((slot.status.target, slot.memory));
        }
    }
}

impl Slot {
    fn new(job: &str, target: Target, config: &Arc<ScrapeJob>, now: Timestamp) -> Self {
        let first = Span::from_micros(phase(&target) % FIRST.min(target.interval).as_micros().max(1));
        let status = TargetStatus {
            job: job.to_owned(),
            target,
            health: Health::Unknown,
            since: None,
            last: None,
            duration: Span::ZERO,
            error: None,
            samples: 0,
            next: now + first,
        };
        Self { status, running: false, memory: Memory::default(), job: Arc::clone(config) }
    }
}

/// A number that belongs to the target, the same after each restart.
fn phase(target: &Target) -> i64 {
    let mixed =
        target.labels.fingerprint().0 ^ target.url.as_str().bytes().fold(0_u64, |h, b| h.rotate_left(7) ^ u64::from(b));
    i64::try_from(mixed >> 1).unwrap_or_default()
}

/// The target's next turn: all turns of a target have its phase, so that those of many spread over the interval.
fn turn(target: &Target, now: Timestamp) -> Timestamp {
    let interval = target.interval.as_micros().max(1);
    let (phase, at) = (phase(target) % interval, now.as_micros());
    Timestamp::from_micros(at + interval - (at - phase).rem_euclid(interval))
}
