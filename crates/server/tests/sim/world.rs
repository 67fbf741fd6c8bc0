//! The world of one seed: the assembled application over a real database, driven step by step on a clock, a network and a
//! disk that do as the seed says.
//!
//! Not what happens in it (see `plan`) and not whether it is right (see `checks`).

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::{Request, header};
use http_body_util::BodyExt as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt as _;
use watchkeeper_domain::{Clock as _, Env, Span, Timestamp};
use watchkeeper_respond::client::Client;
use watchkeeper_server::app::{Assembly, Options, Shared};
use watchkeeper_server::http::router;
use watchkeeper_state::Reconciler;
use watchkeeper_testkit::SeededEntropy;

use super::checks::Checks;
use super::clock::SimClock;
use super::fate::Fate;
use super::model::{Model, Setup};
use super::mutant::Mutant;
use super::network::{Known, SimNetwork};

/// The stages that an alert goes through; those of rules, workflows and the status page have nothing to do here.
const STAGES: [&str; 7] = ["intake", "expiry", "on-call", "alert", "incident", "escalation", "deliver"];
/// More rounds than any instant needs.
const MOST_ROUNDS: usize = 300;

/// See the module.
pub(crate) struct World {
    pub(crate) random: StdRng,
    pub(crate) clock: Arc<SimClock>,
    pub(crate) network: Arc<SimNetwork>,
    pub(crate) fate: Fate,
    pub(crate) model: Model,
    pub(crate) checks: Checks,
    pub(crate) mutant: Option<Mutant>,
    /// What happened, line by line.
    pub(crate) trace: Vec<String>,
    /// What is wrong.
    pub(crate) complaint: Option<String>,
    pub(crate) deaths: usize,
    /// The clock was set: intervals between its times say nothing any more.
    pub(crate) stepped: bool,
    env: Env,
    folder: TempDir,
    assembly: Option<Assembly>,
    router: Option<Router>,
    next_due: Option<Timestamp>,
}

impl World {
    /// A world on a copy of an empty database.
    pub(crate) async fn new(seed: u64, mutant: Option<Mutant>, empty: &Path) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        // An ordinary Sunday, and the hours in which Zurich's clocks change.
        let starts = ["2026-11-22T08:00:00Z", "2026-10-25T00:20:00Z", "2027-03-28T00:20:00Z"];
        let start: Timestamp = starts[random.random_range(0..starts.len())].parse().unwrap();
        let clock = Arc::new(SimClock::at(start));
        let setup = Setup {
            group_wait: [None, None, Some(0), Some(10)][random.random_range(0..4)],
            group_interval: [1, 30, 60][random.random_range(0..3)],
            second: "s2",
        };
        let folder = scratch();
        std::fs::create_dir(folder.path().join("data")).unwrap();
        std::fs::copy(empty, folder.path().join("data/state.db")).unwrap();
        let fate = Fate::default();
        let mut world = Self {
            network: Arc::new(SimNetwork::new(seed, Arc::clone(&clock), fate.clone(), mutant)),
            env: Env { clock: Arc::clone(&clock) as _, entropy: Arc::new(SeededEntropy::new(seed)) },
            model: Model::new(setup, start),
            checks: Checks::default(),
            trace: Vec::new(),
            complaint: None,
            deaths: 0,
            stepped: false,
            assembly: None,
            router: None,
            next_due: None,
            random,
            clock,
            fate,
            mutant,
            folder,
        };
        world.configure();
        world.open().await;
        world
    }

    /// Writes the configuration of the model's setup.
    pub(crate) fn configure(&self) {
        let setup = self.model.setup;
        let wait = setup.group_wait.map(|secs| format!("  group_wait: {secs}s\n")).unwrap_or_default();
        let text = format!(
            r#"
storage: {{ path: {data} }}
route:
  receiver: team
  group_by: [alertname, service]
{wait}  group_interval: {interval}s
  repeat_interval: 4h
  routes:
    - {{ receiver: pager, matchers: ['severity="high"'], group_by: ['...'], continue: true }}
    - {{ receiver: second, matchers: ['service="{second}"'] }}
receivers:
  - name: team
    webhook: [{{ url: "http://10.0.0.1/", timeout: 5s }}, {{ url: "http://10.0.0.2/", timeout: 5s }}]
  - name: second
    webhook: [{{ url: "http://10.0.0.3/", timeout: 5s, send_resolved: false }}]
  - {{ name: pager, escalation_policy: duty }}
people:
  - {{ name: ana, webhook: {{ url: "http://10.0.1.1/" }} }}
  - {{ name: bo, webhook: {{ url: "http://10.0.1.2/" }} }}
  - {{ name: cy, webhook: {{ url: "http://10.0.1.3/" }} }}
schedules:
  - name: duty
    time_zone: Europe/Zurich
    layers: [{{ rotation: daily, start: 2026-10-01T02:30, people: [ana, bo] }}]
escalation_policies:
  - {{ name: duty, steps: [{{ targets: {{ schedule: duty }}, delay: 5m }}, {{ targets: {{ person: cy }}, delay: 10m }}] }}
inhibit_rules:
  - {{ source_matchers: ['severity="high"'], target_matchers: ['severity="low"'], equal: [service] }}
incidents: {{ open_from: critical }}
"#,
            data = self.folder.path().join("data").display(),
            interval = setup.group_interval,
            second = setup.second,
        );
        std::fs::write(self.folder.path().join("watchkeeper.yaml"), text).unwrap();
    }

    async fn open(&mut self) {
        let options = Options {
            config_file: Some(self.folder.path().join("watchkeeper.yaml")),
            listen: None,
            data: None,
            otlp_ports: false,
            env: self.env.clone(),
        };
        let client = Client::over(Arc::clone(&self.network) as _);
        let assembly = match Assembly::over(&options, client).await {
            Ok(assembly) => assembly,
            Err(error) => panic!("{error}\n{}", error.diagnostics().unwrap_or_default()),
        };
        self.router = Some(router::main(&assembly.shared));
        self.fate.watch(&assembly.shared.state).await;
        self.assembly = Some(assembly);
        (self.model.started_at, self.model.sound_since) = (self.now(), self.now());
    }

    /// Copies the database for whoever wants to look into it.
    pub(crate) fn keep(&self, folder: &Path) {
        for name in ["state.db", "state.db-wal"] {
            std::fs::copy(self.folder.path().join("data").join(name), folder.join(name)).unwrap();
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.assembly.as_ref().expect("a world is open between deaths").shared
    }

    pub(crate) fn note(&mut self, line: impl std::fmt::Display) {
        let line = format!("{} {line}", self.now());
        self.trace.push(line);
    }

    /// The first complaint stays.
    pub(crate) fn complain(&mut self, what: String) {
        let now = self.now();
        self.complaint.get_or_insert(format!("{now}: {what}"));
    }

    /// The process ends in the middle of whatever it was doing, and after some time another one begins.
    pub(crate) async fn die(&mut self, down: Span) {
        if let Some(assembly) = self.assembly.take() {
            assembly.shared.deliverer.shutdown(Span::ZERO).await;
            self.router = None;
            assembly.shared.state.close().await;
        }
        self.deaths += 1;
        self.note(format_args!("died, down for {down}"));
        self.clock.pass_until(self.now() + down);
        self.fate.reborn();
        self.open().await;
    }

    /// After a refusal the writer is another connection, which has to ask as well.
    async fn rearm(&self) {
        if self.fate.refuses() {
            let state = self.shared().state.clone();
            self.fate.watch(&state).await;
        }
    }

    /// A request over the router. None: the process died over it.
    pub(crate) async fn call(&mut self, method: &str, path: &str, body: Option<Value>) -> Option<(u16, Value)> {
        self.rearm().await;
        let request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
        let body = body.map_or_else(Body::empty, |json| Body::from(json.to_string()));
        let router = self.router.clone().expect("a world is open between deaths");
        let answer = router.oneshot(request.body(body).unwrap()).await.unwrap();
        let status = answer.status().as_u16();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        if self.fate.is_dead() {
            return None;
        }
        Some((status, serde_json::from_slice(&bytes).unwrap_or_default()))
    }

    /// Waits until every send that is under way waits for its peer or for time to pass.
    async fn quiesce(&self) {
        let shared = self.shared();
        loop {
            if !self.network.at_rest() {
                tokio::task::yield_now().await;
                continue;
            }
            let in_flight = shared.deliverer.in_flight();
            if in_flight == 0 || in_flight == self.clock.asleep() {
                return;
            }
            tokio::select! {
                () = self.clock.changed.notified() => {}
                () = shared.outbox.woken() => {}
            }
        }
    }

    fn stages(&mut self) -> Vec<Arc<dyn Reconciler>> {
        let chains = self.assembly.iter().flat_map(|assembly| &assembly.chains);
        let all = chains.flat_map(|chain| chain.stages.iter().cloned());
        let mut stages: Vec<_> = all.filter(|stage| STAGES.contains(&stage.name())).collect();
        // The tasks of a running server take turns in any order.
        stages.shuffle(&mut self.random);
        stages
    }

    /// Lets the background work do everything that is due at this instant, and dies over it when fate will have it so.
    pub(crate) async fn settle(&mut self) {
        for _ in 0..MOST_ROUNDS {
            if let Some(mutant) = self.mutant {
                let (state, now) = (self.shared().state.clone(), self.now());
                mutant.on_the_rows(&state, now).await;
            }
            let (processed, due) = self.round().await;
            if self.fate.is_dead() {
                let down = if self.random.random_bool(0.3) { self.random.random_range(1..900) } else { 0 };
                self.die(Span::from_secs(down)).await;
            } else if processed == 0 {
                self.next_due = due;
                return;
            }
        }
        self.complain("the background work does not come to rest".to_owned());
    }

    async fn round(&mut self) -> (usize, Option<Timestamp>) {
        let (mut all, mut due) = (0, None::<Timestamp>);
        self.quiesce().await;
        for stage in self.stages() {
            loop {
                self.rearm().await;
                let result = stage.reconcile().await;
                self.quiesce().await;
                if self.fate.is_dead() {
                    return (all, None);
                }
                match result {
                    Ok(report) if report.processed > 0 => all += report.processed,
                    Ok(report) => {
                        due = due.into_iter().chain(report.next_due).min();
                        break;
                    }
                    Err(error) => {
                        if !self.fate.refuses() {
                            self.complain(format!("{} failed: {error:?}", stage.name()));
                        }
                        due = due.into_iter().chain([self.now() + Span::from_secs(1)]).min();
                        break;
                    }
                }
            }
        }
        while let Some((arrival, known)) = self.network.answer_one() {
            all += 1;
            self.rearm().await;
            self.quiesce().await;
            // That it was not taken is certain whatever is written down about it; that it was, once it is.
            let written = !self.fate.is_dead() && !self.fate.refuses();
            if written || known == Known::NotTaken {
                self.network.learned(arrival, known);
            }
            if self.fate.is_dead() {
                return (all, None);
            }
        }
        (all, due)
    }

    /// Time passes, with a look wherever something is due.
    pub(crate) async fn advance(&mut self, span: Span) {
        let target = self.now() + span;
        self.settle().await;
        while self.complaint.is_none() {
            let next = [self.next_due, self.network.next_due(), self.clock.next_wake()].into_iter().flatten().min();
            let at = next.map_or(target, |next| whole(next).max(self.now() + Span::from_millis(1)).min(target));
            // Whoever died may have been down for longer.
            self.clock.pass_until(at.max(self.now()));
            self.settle().await;
            self.check().await;
            if self.now() >= target {
                return;
            }
        }
    }
}

/// The next whole millisecond: programs are told no finer times, and send back what they were told.
fn whole(at: Timestamp) -> Timestamp {
    Timestamp::from_millis(at.as_millis() + i64::from(at > Timestamp::from_millis(at.as_millis())))
}

/// A folder in memory where there is one: what the disk does is simulated, and syncing a real one thousands of times is slow.
pub(crate) fn scratch() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}
