//! The typed configuration, as the rest of the product reads it: complete, valid, secrets resolved.
//!
//! Not the shape of the YAML: `file` types are read from YAML with optional fields and turned into these.

pub mod app_insights;
pub mod heartbeat;
pub mod input;
pub mod integration;
pub mod oncall;
pub mod person;
pub mod probe;
pub mod receiver;
pub mod route;
pub mod rule;
pub mod rule_test;
pub mod scrape;
pub mod self_watch;
pub mod workflow;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use watchkeeper_domain::{Code, Matcher, Priority, Span, TimeInterval};

use crate::diagnostic::{self, Diagnostic};
use crate::place::Place;
use crate::secret::Secret;
pub use app_insights::{AppInsights, AppInsightsKey};
pub use heartbeat::{Expected, Heartbeat};
pub use input::{SyslogListener, TailedFiles};
pub use integration::{Integration, IntegrationKind};
pub use oncall::{EscalationPolicy, Schedule};
pub use person::Person;
pub use probe::{Probe, ProbeKind};
pub use receiver::{EmailIntegration, Receiver, SlackIntegration, SmtpServer, SmtpTls, WebhookIntegration};
pub use route::{InhibitRule, Route};
pub use rule::{OnNoData, Rule, RuleGroup, RuleKind, TemplateLanguage};
pub use scrape::ScrapeJob;
pub use self_watch::SelfWatch;
pub use workflow::{Guard, Retry, Step, Uses, Verify, Workflow, WorkflowKind};

/// Everything that was configured. Immutable: a reload makes a new one.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where it listens and who may speak to it.
    pub server: Server,
    /// What is kept, where, and for how long.
    pub storage: Storage,
    /// How rules are evaluated.
    pub evaluation: Evaluation,
    /// Rule groups of all rule files, in the order of files and groups.
    pub rule_groups: Vec<RuleGroup>,
    /// Probes.
    pub probes: Vec<Probe>,
    /// Jobs that are expected to report.
    pub heartbeats: Vec<Heartbeat>,
    /// Where syslog is taken.
    pub syslog: Vec<SyslogListener>,
    /// Log files that are read as they grow.
    pub log_files: Vec<TailedFiles>,
    /// What is scraped.
    pub scrape_jobs: Vec<ScrapeJob>,
    /// Alertmanager's file, when routes and receivers come from there.
    pub alertmanager_config: Option<String>,
    /// The root of the route tree.
    pub route: Route,
    /// Receivers (action groups, contact points), by name.
    pub receivers: BTreeMap<String, Receiver>,
    /// Alerts that mute others.
    pub inhibit_rules: Vec<InhibitRule>,
    /// Times that recur, by name; a name holds when one of its intervals does.
    pub time_intervals: BTreeMap<String, Vec<TimeInterval>>,
    /// How long a posted alert fires when its sender names no end and does not post it again. Default 5 min.
    pub resolve_timeout: Span,
    /// Tools that send alerts in their own way, by name.
    pub integrations: BTreeMap<String, Integration>,
    /// Who may send as an SDK of Application Insights.
    pub app_insights: AppInsights,
    /// Workflows of all workflow files, by name.
    pub workflows: BTreeMap<String, Workflow>,
    /// How alerts become incidents.
    pub incidents: Incidents,
    /// The public status page.
    pub status_page: StatusPage,
    /// Known people. Their contact methods stand among the receivers, as `person:NAME`.
    pub people: Vec<Person>,
    /// Who is on call when, by name.
    pub schedules: BTreeMap<String, Schedule>,
    /// Who is called in which order, by name.
    pub escalation_policies: BTreeMap<String, EscalationPolicy>,
    /// The mail server, when e-mail is used.
    pub smtp: Option<SmtpServer>,
    /// The account for text messages and calls.
    pub twilio: Option<receiver::Twilio>,
    /// Slack's signing secret, for buttons.
    pub slack_signing_secret: Option<Secret>,
    /// How it watches over itself.
    pub self_watch: SelfWatch,
    /// The demo's bank, when this is the demo.
    pub demo: Option<Demo>,
}

/// Listening addresses and access.
#[derive(Debug, Clone)]
pub struct Server {
    /// Console, API, remote write. Default `127.0.0.1:7404`.
    pub listen: SocketAddr,
    /// OTLP over HTTP. Default `127.0.0.1:4318`; none: not offered there (the main port always takes `/v1/…`).
    pub otlp_http: Option<SocketAddr>,
    /// OTLP over gRPC. Default `127.0.0.1:4317`.
    pub otlp_grpc: Option<SocketAddr>,
    /// How people reach it; used in links. Default `http://` and the listening address. No trailing slash.
    pub external_url: String,
    /// Tokens. Empty: everybody on loopback is an administrator.
    pub tokens: Vec<Token>,
    /// The certificate that every listener shows; none: HTTP without TLS.
    pub tls: Option<Tls>,
}

/// A certificate and its key, as they were read: nothing of them was checked.
#[derive(Debug, Clone)]
pub struct Tls {
    /// PEM.
    pub certificate: String,
    /// The file, as it was written.
    pub certificate_file: String,
    /// Where that stands.
    pub certificate_at: Spot,
    /// PEM.
    pub key: Secret,
    /// The file, as it was written.
    pub key_file: String,
    /// Where that stands.
    pub key_at: Spot,
}

/// A place in the configuration, for those who find out later that what stands there is of no use.
#[derive(Debug, Clone)]
pub struct Spot(pub(crate) Place);

impl Spot {
    /// The problem of a value that cannot be used, with the way to mend it.
    pub fn problem(&self, message: impl Into<String>, help: impl Into<String>) -> Box<Diagnostic> {
        let mut problem = [Diagnostic::at(Code::ConfigInvalidValue, &self.0, message).help(help)];
        diagnostic::seal(&mut problem, &[]);
        let [problem] = problem;
        Box::new(problem)
    }
}

/// A bearer token of a person or a program.
#[derive(Debug, Clone)]
pub struct Token {
    /// Who it is, for the ledger.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The token.
    pub token: Secret,
}

/// What a caller may do; each role includes the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Send telemetry only.
    Ingest,
    /// Look, but not at restricted incidents.
    Viewer,
    /// Acknowledge, assign, silence, run workflows.
    Responder,
    /// Everything, restricted incidents included.
    Admin,
}

/// What is kept and for how long.
#[derive(Debug, Clone)]
pub struct Storage {
    /// The data folder. Default `./data`.
    pub path: PathBuf,
    /// How long telemetry is kept. Default 24 h.
    pub retention: Span,
    /// Most bytes of telemetry log on disk. Default 4 GiB.
    pub max_bytes: u64,
    /// How late a sample may be behind its series' newest. Default 10 min.
    pub out_of_order_window: Span,
}

/// How rules are evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evaluation {
    /// The longest time between two evaluations of a group without an interval of its own. Default 1 min.
    pub interval: Span,
    /// The longest that arrivals are gathered before a group is evaluated; a cheap group is evaluated at once. Default 100 ms.
    pub coalesce: Span,
}

/// How alerts become incidents.
#[derive(Debug, Clone)]
pub struct Incidents {
    /// Alerts with the same values of these labels join one open incident (and the same kind). Default `service`.
    pub group_by: Vec<String>,
    /// The least urgent priority that opens an incident. Default `medium`.
    pub open_from: Priority,
    /// The receiver that hears of hand-overs. Default: that of the root route.
    pub handover_receiver: Option<String>,
    /// The PromQL expression that counts failed requests over a window: `{{ window }}` is replaced by it (`7m12s`).
    pub impact_query: Option<String>,
    /// Who takes a role when an incident opens: role, person.
    pub default_roles: BTreeMap<String, String>,
}

/// The public status page.
#[derive(Debug, Clone)]
pub struct StatusPage {
    /// Whose it is.
    pub title: String,
    /// What is shown.
    pub components: Vec<Component>,
}

/// A part of the service as customers know it.
#[derive(Debug, Clone)]
pub struct Component {
    /// Its id.
    pub name: String,
    /// What customers call it.
    pub title: String,
    /// Alerts that concern it.
    pub matchers: Vec<Matcher>,
}

/// The bank that the demo watches.
#[derive(Debug, Clone)]
pub struct Demo {
    /// The supervisor's control API.
    pub control_url: String,
    /// Its bearer token.
    pub control_token: Option<Secret>,
    /// Where the bank's front is, for a link.
    pub front_url: String,
    /// Where the stand-in for Slack shows its messages, for a link.
    pub slack_url: Option<String>,
}
