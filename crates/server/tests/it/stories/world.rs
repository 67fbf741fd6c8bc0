//! The world of one story: a data folder, a configuration, the assembled application, a clock that stands still, and
//! peers on loopback that do as they are told.
//!
//! Not a supervisor: nothing runs by itself. [`World::settle`] lets the background work do what is due at this instant,
//! and [`World::advance`] jumps from one due time to the next, so that a day takes as long as what happens in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use axum::body::Body;
use http::{Request, header};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::JoinSet;
use tower::ServiceExt as _;
use watchkeeper_domain::telemetry::{Batch, Sample, SeriesSamples, TelemetrySink as _};
use watchkeeper_domain::{Clock as _, Env, Labels, Span, Timestamp, labels::NAME};
use watchkeeper_server::app::{Assembly, Options, Shared};
use watchkeeper_server::http::router;
use watchkeeper_state::Reconciler;
use watchkeeper_testkit::slack::StandIn;
use watchkeeper_testkit::{MockWebhook, VirtualClock};

const SEED: &str = include_str!("../../../../../rules/seed.yaml");
const RESTART_SERVICE: &str =
    include_str!("../../../../../examples/money404-bank/watchkeeper/workflows/restart-service.yaml");
const RESTART_POOL: &str =
    include_str!("../../../../../examples/money404-bank/watchkeeper/workflows/restart-accounts-pool.yaml");
const BLOCK_ADDRESS: &str =
    include_str!("../../../../../examples/money404-bank/watchkeeper/workflows/block-address.yaml");

/// The bearer tokens of the story's people and programs, and of the peers; each lies in a file.
pub const SECRETS: [(&str, &str); 7] = [
    ("INGEST", "ingest-token-of-a-story"),
    ("VIEWER", "viewer-token-of-a-story"),
    ("RESPONDER", "responder-token-of-a-story"),
    ("ADMIN", "admin-token-of-a-story"),
    ("SLACK_SIGNING_SECRET", "signing-secret-of-a-story"),
    ("BANK_CONTROL_TOKEN", "control-token-of-a-story"),
    ("BANK_ADMIN_TOKEN", "front-admin-token-of-a-story"),
];
pub const VIEWER: &str = SECRETS[1].1;
pub const RESPONDER: &str = SECRETS[2].1;
pub const ADMIN: &str = SECRETS[3].1;

/// What the probe of the accounts service sees.
pub const UP: &str = r#"probe_success{service="accounts",probe="accounts",target="http://accounts"}"#;
/// What the accounts service answers.
pub const ANSWERED: &str =
    r#"http_server_request_duration_seconds_count{service="accounts",http_response_status_code="200"}"#;

/// How often the story's services report.
const REPORT_EVERY: Span = Span::from_secs(5);
/// More rounds than any instant needs: beyond, two stages keep waking each other.
const MOST_ROUNDS: usize = 200;

/// One alert in one message that a webhook's receiver got.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Told {
    /// The receiver.
    pub to: String,
    /// `firing` or `resolved`.
    pub status: String,
    /// The alert's name; `Incident` for a hand-over.
    pub name: String,
}

/// What the configuration of a world holds.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// Whether the demo's workflows are there.
    pub workflows: bool,
    /// Whether nobody needs a token.
    pub open: bool,
    /// Lines for the root of the configuration.
    pub more: String,
}

/// See the module.
pub struct World {
    dir: TempDir,
    env: Env,
    pub clock: Arc<VirtualClock>,
    /// The webhook of the receiver `operations`.
    pub operations: MockWebhook,
    /// The webhook of the receiver `security`.
    pub security: MockWebhook,
    /// The bank: its control API and its front.
    pub bank: MockWebhook,
    pub slack: StandIn,
    assembly: Option<Assembly>,
    listener: std::net::TcpListener,
    serving: JoinSet<()>,
    /// What the services report, by series.
    reported: BTreeMap<String, f64>,
    /// By how much a series grows from report to report.
    growth: BTreeMap<String, f64>,
    last_report: Option<Timestamp>,
    next_due: Option<Timestamp>,
    /// Whether the process dies after each pass that did something, once for each stage and instant.
    pub fragile: bool,
    /// How often it died.
    pub deaths: usize,
}

impl World {
    /// A world with the seed rules and without workflows.
    pub async fn new() -> Self {
        Self::with(Setup::default()).await
    }

    /// A world with the seed rules and the demo's workflows.
    pub async fn healing() -> Self {
        Self::with(Setup { workflows: true, ..Setup::default() }).await
    }

    pub async fn with(setup: Setup) -> Self {
        let (env, clock) = watchkeeper_testkit::env();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback can be bound");
        listener.set_nonblocking(true).unwrap();
        let interactions = format!("http://{}/slack/interactions", listener.local_addr().unwrap());
        let signing_secret = SECRETS[4].1;
        let (operations, security, bank, slack) = tokio::join!(
            MockWebhook::start(),
            MockWebhook::start(),
            MockWebhook::start(),
            StandIn::start(Arc::clone(&clock) as _, &interactions, signing_secret),
        );
        let mut world = Self {
            dir: tempfile::tempdir().unwrap(),
            env,
            clock,
            operations,
            security,
            bank,
            slack: slack.unwrap(),
            assembly: None,
            listener,
            serving: JoinSet::new(),
            reported: BTreeMap::new(),
            growth: BTreeMap::new(),
            last_report: None,
            next_due: None,
            fragile: false,
            deaths: 0,
        };
        world.write_files(&setup);
        world.open().await;
        world
    }

    /// A path in the world's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file of the configuration.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn write_files(&self, setup: &Setup) {
        use std::os::unix::fs::PermissionsExt as _;
        for (name, secret) in SECRETS {
            self.write(&format!("secrets/{name}"), secret);
            let file = self.path(&format!("secrets/{name}"));
            std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        self.write("secrets/SLACK_WEBHOOK_URL", &self.slack.webhook_url("story"));
        self.write("rules/seed.yaml", SEED);
        if setup.workflows {
            for (name, text) in [("service", RESTART_SERVICE), ("pool", RESTART_POOL), ("block", BLOCK_ADDRESS)] {
                self.write(&format!("workflows/{name}.yaml"), &self.of_this_world(text));
            }
        }
        self.write("watchkeeper.yaml", &self.configuration(setup));
    }

    /// The demo's workflow with this world's bank and secrets.
    pub fn of_this_world(&self, text: &str) -> String {
        let bank = self.bank.url("");
        let secrets = self.path("secrets").display().to_string();
        text.replace("http://127.0.0.1:7450", &bank)
            .replace("http://127.0.0.1:7451", &bank)
            .replace("${env:", &format!("${{file:{secrets}/"))
    }

    fn configuration(&self, setup: &Setup) -> String {
        let secret = |name: &str| format!("\"${{file:{}}}\"", self.path(&format!("secrets/{name}")).display());
        let token =
            |role: &str| format!("    - {{ name: {role}, role: {role}, token: {} }}\n", secret(&role.to_uppercase()));
        let tokens: String = ["ingest", "viewer", "responder", "admin"].map(token).concat();
        let tokens = if setup.open { String::new() } else { format!("  tokens:\n{tokens}") };
        let workflows = if setup.workflows { "workflow_files: [workflows/*.yaml]\n" } else { "" };
        format!(
            r#"
server:
  listen: 127.0.0.1:7404
  external_url: https://watchkeeper.money404.example
{tokens}
storage: {{ path: {data} }}
rule_files: [rules/*.yaml]
{workflows}
route:
  receiver: operations
  group_by: [alertname, service]
  group_interval: 1m
  repeat_interval: 4h
  routes:
    - receiver: security
      matchers: ['category="security"']
receivers:
  - name: operations
    slack: [{{ webhook_url: {slack} }}]
    webhook: [{{ url: "{operations}" }}]
  - name: security
    webhook: [{{ url: "{security}" }}]
slack: {{ signing_secret: {signing} }}
people:
  - {{ name: ana, email: ana@money404.example, slack_id: U024BE7LH }}
incidents:
  group_by: [service]
  open_from: low
  default_roles: {{ operations_lead: ana }}
status_page:
  title: Money404 Bank
  components:
    - {{ name: online-banking, title: Online banking, matchers: ['service=~"front|accounts"'] }}
    - {{ name: everything, title: Everything else, matchers: ['alertname=~".+"'] }}
{more}
"#,
            data = self.path("data").display(),
            slack = secret("SLACK_WEBHOOK_URL"),
            signing = secret("SLACK_SIGNING_SECRET"),
            operations = self.operations.url("/hook"),
            security = self.security.url("/hook"),
            more = setup.more,
        )
    }

    async fn open(&mut self) {
        let options = Options {
            config_file: Some(self.path("watchkeeper.yaml")),
            listen: None,
            data: None,
            otlp_ports: false,
            env: self.env.clone(),
        };
        let assembly = match Assembly::new(&options).await {
            Ok(assembly) => assembly,
            Err(error) => panic!("{error}\n{}", error.diagnostics().unwrap_or_default()),
        };
        let listener = tokio::net::TcpListener::from_std(self.listener.try_clone().unwrap()).unwrap();
        let app = router::main(&assembly.shared);
        self.serving.spawn(async move { axum::serve(listener, app).await.unwrap() });
        self.assembly = Some(assembly);
    }

    /// The process dies, whatever is under way, and another begins on the same folder.
    pub async fn die_and_restart(&mut self) {
        self.serving.shutdown().await;
        if let Some(assembly) = self.assembly.take() {
            // Without grace: what is on its way is cut off, and nothing is written down about it.
            assembly.shared.deliverer.shutdown(Span::ZERO).await;
        }
        self.deaths += 1;
        self.open().await;
    }

    pub fn shared(&self) -> &Arc<Shared> {
        &self.assembly.as_ref().expect("a world is open between restarts").shared
    }

    fn stages(&self) -> Vec<Arc<dyn Reconciler>> {
        let chains = self.assembly.iter().flat_map(|a| &a.chains);
        chains.filter(|c| c.name != "housekeeping").flat_map(|c| c.stages.iter().cloned()).collect()
    }

    /// One stage of the background work, to be run by itself.
    pub fn stage(&self, name: &str) -> Arc<dyn Reconciler> {
        self.stages().into_iter().find(|stage| stage.name() == name).expect("a stage of that name")
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets the background work do everything that is due at this instant.
    pub async fn settle(&mut self) {
        let mut died = BTreeSet::new();
        for _ in 0..MOST_ROUNDS {
            let (processed, due) = self.round(&mut died).await;
            if processed == 0 {
                self.next_due = due;
                return;
            }
        }
        panic!("the background work does not come to rest at {}", self.now());
    }

    /// Each stage until it finds nothing more to do. Gives how much was done, and when there is more.
    async fn round(&mut self, died: &mut BTreeSet<&'static str>) -> (usize, Option<Timestamp>) {
        let (mut all, mut due) = (0, None::<Timestamp>);
        for stage in self.stages() {
            loop {
                let report = match stage.reconcile().await {
                    Ok(report) => report,
                    Err(error) => panic!("{} failed: {error}", stage.name()),
                };
                all += report.processed;
                if report.processed == 0 {
                    due = due.into_iter().chain(report.next_due).min();
                    break;
                }
                if self.fragile && died.insert(stage.name()) {
                    self.shared().deliverer.settle().await;
                    drop(stage);
                    self.die_and_restart().await;
                    return (all, None);
                }
            }
        }
        self.shared().deliverer.settle().await;
        (all, due)
    }

    /// One look of all stages, without waiting for what is on its way.
    pub async fn look_once(&mut self) {
        for stage in self.stages() {
            stage.reconcile().await.unwrap();
        }
    }

    /// Moves the clock on by `span`, stopping wherever something is due. The services report nothing meanwhile.
    pub async fn advance(&mut self, span: Span) {
        let target = self.now() + span;
        self.settle().await;
        while let Some(due) = self.next_due.filter(|due| *due < target) {
            self.clock.set(due.max(self.now() + Span::from_millis(1)));
            self.settle().await;
        }
        self.clock.set(target);
        self.settle().await;
    }

    /// From now on `series` is reported as `value`.
    pub fn set(&mut self, series: &str, value: f64) {
        self.reported.insert(series.to_owned(), value);
    }

    /// From now on `series` grows by that much from report to report.
    pub fn grow(&mut self, series: &str, by: f64) {
        self.growth.insert(series.to_owned(), by);
        self.reported.entry(series.to_owned()).or_default();
    }

    /// `series` is not reported any more.
    pub fn forget(&mut self, series: &str) {
        self.reported.remove(series);
        self.growth.remove(series);
    }

    /// The services report, and what follows from it happens.
    pub async fn report(&mut self) {
        for (series, by) in &self.growth {
            *self.reported.get_mut(series).expect("what grows is reported") += by;
        }
        let t = self.fresh_instant();
        let series = self.reported.iter().map(|(series, v)| samples(series, t, *v)).collect();
        self.append(series).await;
    }

    /// This instant in milliseconds, moved on if something was reported in it already: a series has one value at a time.
    fn fresh_instant(&mut self) -> i64 {
        if self.last_report == Some(self.now()) {
            self.clock.advance(Span::from_millis(1));
        }
        self.last_report = Some(self.now());
        self.now().as_millis()
    }

    /// Arrivals are gathered for up to 100 ms when a group was evaluated just before; so long the clock moves on.
    async fn append(&mut self, series: Vec<SeriesSamples>) {
        self.shared().store.append(Batch { series, ..Batch::default() }).await.unwrap();
        self.settle().await;
        let gathered = self.now() + Span::from_millis(100);
        while let Some(due) = self.next_due.filter(|due| *due <= gathered) {
            self.clock.set(due.max(self.now() + Span::from_millis(1)));
            self.settle().await;
        }
    }

    /// Time goes by, and the services report every five seconds, at the end as well.
    pub async fn run(&mut self, span: Span) {
        self.run_reporting_every(span, REPORT_EVERY).await;
    }

    pub async fn run_reporting_every(&mut self, span: Span, every: Span) {
        let end = self.now() + span;
        while self.now() < end {
            self.advance(every.min(end.since(self.now()))).await;
            self.report().await;
        }
    }

    /// Appends one sample at this instant.
    pub async fn push(&mut self, series: &str, value: f64) {
        let t = self.fresh_instant();
        self.append(vec![samples(series, t, value)]).await;
    }

    /// The accounts service works for a minute and is then unreachable until the alert fires.
    pub async fn accounts_fail(&mut self) {
        self.set(UP, 1.0);
        self.grow(ANSWERED, 10.0);
        self.report().await;
        self.run(Span::from_secs(60)).await;
        self.set(UP, 0.0);
        self.grow(ANSWERED, 0.0);
        self.report().await;
        self.run(Span::from_secs(60)).await;
    }

    /// The accounts service works again.
    pub async fn accounts_recover(&mut self) {
        self.set(UP, 1.0);
        self.grow(ANSWERED, 10.0);
        self.report().await;
    }

    /// What the receivers of the webhooks were told, in the order in which each was told.
    pub fn told(&self) -> Vec<Told> {
        let alerts = |peer: &MockWebhook| {
            let requests = peer.requests();
            let told = requests.iter().flat_map(|request| {
                let body = request.json();
                let to = text(&body["receiver"]);
                let alerts = body["alerts"].as_array().cloned().unwrap_or_default();
                alerts.into_iter().map(move |alert| Told {
                    to: to.clone(),
                    status: text(&alert["status"]),
                    name: text(&alert["labels"]["alertname"]),
                })
            });
            told.collect::<Vec<_>>()
        };
        let mut all = alerts(&self.operations);
        all.extend(alerts(&self.security));
        all
    }

    /// What was told about one alert, as `firing`, `resolved`, … in order.
    pub fn told_of(&self, name: &str) -> Vec<String> {
        self.told().into_iter().filter(|t| t.name == name).map(|t| t.status).collect()
    }

    /// A request over the router, without a socket. Gives status and body (JSON, or the text as a string).
    pub async fn call(&self, method: &str, path: &str, token: Option<&str>, body: Option<Value>) -> (u16, Value) {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let request = request.body(body.map_or_else(Body::empty, |json| Body::from(json.to_string()))).unwrap();
        let answer = router::main(self.shared()).oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        let text = || Value::String(String::from_utf8_lossy(&bytes).into_owned());
        (status, serde_json::from_slice(&bytes).unwrap_or_else(|_| text()))
    }

    /// What an administrator reads.
    pub async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call("GET", path, Some(ADMIN), None).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// What an administrator does under `/api/watchkeeper/v1`.
    pub async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.call("POST", &format!("/api/watchkeeper/v1{path}"), Some(ADMIN), Some(body)).await;
        assert!((200..300).contains(&status), "{path}: {status} {answer}");
        answer
    }

    /// All alerts of that name, the newest first.
    pub async fn alerts(&self, name: &str) -> Vec<Value> {
        let all = self.get("/api/watchkeeper/v1/alerts?state=firing,unknown,resolved&limit=200").await;
        let items = all["items"].as_array().cloned().unwrap_or_default();
        items.into_iter().filter(|alert| alert["name"] == name).collect()
    }

    /// The one alert of that name.
    pub async fn alert(&self, name: &str) -> Value {
        let all = self.alerts(name).await;
        assert_eq!(all.len(), 1, "{name}: {all:?}");
        all[0].clone()
    }

    /// The explanation of one alert.
    pub async fn explanation(&self, name: &str) -> Value {
        let id = text(&self.alert(name).await["id"]);
        self.get(&format!("/api/watchkeeper/v1/alerts/{id}/explain")).await
    }

    /// The only incident, in detail.
    pub async fn incident(&self) -> Value {
        let all =
            self.get("/api/watchkeeper/v1/incidents?state=triggered,acknowledged,mitigated,resolved,closed").await;
        let items = all["items"].as_array().cloned().unwrap_or_default();
        assert_eq!(items.len(), 1, "{items:?}");
        self.get(&format!("/api/watchkeeper/v1/incidents/{}", text(&items[0]["id"]))).await
    }

    /// The kinds of all ledger entries, oldest first.
    pub async fn ledger(&self) -> Vec<String> {
        sqlx::query_scalar("SELECT kind FROM ledger ORDER BY seq").fetch_all(self.shared().state.read()).await.unwrap()
    }

    /// The end of every story: the ledger's chain is whole.
    pub async fn end(self) {
        let verdict = self.get("/api/watchkeeper/v1/ledger/verify").await;
        assert_eq!(verdict["intact"], true, "{verdict}");
    }
}

/// A number of seconds, as good as the clock of a story: arrivals are gathered for up to 100 ms.
pub fn about(seconds: &Value, wanted: f64) {
    assert!(seconds.as_f64().is_some_and(|s| (s - wanted).abs() < 0.5), "{seconds} is not about {wanted}");
}

/// The text of a JSON string.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// `name{label="value",…}`; values without commas and quotes, which is all that stories need.
pub fn samples(series: &str, t: i64, v: f64) -> SeriesSamples {
    let (name, rest) = series.split_once('{').unwrap_or((series, "}"));
    let pairs = rest.trim_end_matches('}').split(',').filter(|pair| !pair.is_empty());
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').expect("label=value");
        (name.trim().to_owned(), value.trim_matches('"').to_owned())
    };
    let labels = std::iter::once((NAME.to_owned(), name.to_owned())).chain(pairs.map(pair));
    SeriesSamples { labels: Labels::from_pairs(labels), samples: vec![Sample { t, v }], start: None }
}
