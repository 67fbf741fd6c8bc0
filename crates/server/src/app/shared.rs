//! What every handler may use: the running parts, and the configuration as it is now.
//!
//! Not a place for logic: methods here are lookups over the parts.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use watchkeeper_alert::silence::Silences;
use watchkeeper_alert::{AlertReconciler, Expiry, Intake, Routing};
use watchkeeper_config::model::RuleKind;
use watchkeeper_config::{Config, render};
use watchkeeper_detect::heartbeat::Heartbeats;
use watchkeeper_detect::probe::ProbeRunner;
use watchkeeper_detect::scheduler::Scheduler;
use watchkeeper_domain::telemetry::Batch;
use watchkeeper_domain::{Actor, Env, Timestamp};
use watchkeeper_incident::drill::settings::Settings as DrillSettings;
use watchkeeper_incident::oncall::{OnCall, OnCallWatch, Settings as OnCallSettings};
use watchkeeper_incident::{Drills, EscalationReconciler, IncidentReconciler, Incidents, Policy};
use watchkeeper_ingest::Limits;
use watchkeeper_publish::StatusReconciler;
use watchkeeper_respond::client::Client;
use watchkeeper_respond::notify::deliver::{Deliverer, Settings};
use watchkeeper_respond::notify::watch::ReceiverWatch;
use watchkeeper_respond::workflow::Engine;
use watchkeeper_scrape::ScrapeRunner;
use watchkeeper_state::{Entry, State, StateError, Wake, ledger};
use watchkeeper_store::Store;

use super::rule_groups::RuleGroups;
use super::{Backtests, Metrics, Options, Pressed, Progress, Repeats, Senders, StartError, configure};
use crate::http::access::Sessions;
use crate::http::app_insights::Counting;
use crate::http::dto::session::ChangeKind;
use crate::http::events::Hub;
use crate::supervisor::{Supervisor, chain};
use crate::tls::{self, Certificates};
use crate::watchman::Watchman;

/// The running parts.
pub struct Shared {
    /// Time and randomness.
    pub env: Env,
    /// The configuration as it is now.
    pub config: Arc<ArcSwap<Config>>,
    /// The main configuration file.
    pub config_file: Option<PathBuf>,
    pub(super) overrides: (Option<SocketAddr>, Option<PathBuf>),
    /// The state database.
    pub state: State,
    /// The telemetry store.
    pub store: Arc<Store>,
    /// The rules.
    pub scheduler: Arc<Scheduler>,
    /// Where the rules come from.
    pub rule_groups: RuleGroups,
    /// The probes.
    pub probes: Arc<ProbeRunner>,
    /// Jobs that report.
    pub heartbeats: Arc<Heartbeats>,
    /// The targets that are scraped.
    pub scrapes: Arc<ScrapeRunner>,
    /// When it started.
    pub started_at: Timestamp,
    /// Alerts that other tools post.
    pub intake: Intake,
    /// The end of those.
    pub expiry: Arc<Expiry>,
    /// Silences.
    pub silences: Silences,
    /// Who is told of alerts.
    pub alert_reconciler: Arc<AlertReconciler>,
    /// Incidents, for commands.
    pub incidents: Incidents,
    /// Incidents, for alerts.
    pub incident_reconciler: Arc<IncidentReconciler>,
    /// Who is on call.
    pub on_call: OnCall,
    /// Hand-offs and gaps.
    pub on_call_watch: Arc<OnCallWatch>,
    /// People being called until somebody answers.
    pub escalation_reconciler: Arc<EscalationReconciler>,
    /// Fire drills.
    pub drills: Arc<Drills>,
    /// Receivers that do not work.
    pub receiver_watch: Arc<ReceiverWatch>,
    /// When each stage last came to an end.
    pub progress: Arc<Progress>,
    /// Watches over all of this.
    pub watchman: Watchman,
    /// Delivery.
    pub deliverer: Arc<Deliverer>,
    /// Workflows.
    pub engine: Arc<Engine>,
    /// The status page.
    pub status_page: Arc<StatusReconciler>,
    /// The guarded client for what configuration and payloads name.
    pub client: Client,
    /// A plain client for the demo's bank.
    pub http: reqwest::Client,
    /// Limits of what comes in.
    pub limits: Limits,
    /// Turns at decoding telemetry, as many as there are processors: what is decoded at once is what takes memory.
    pub decoding: tokio::sync::Semaphore,
    /// Senders whose clocks are ahead.
    pub senders: Senders,
    /// Application Insights' items that were taken already.
    pub repeats: Repeats,
    /// When those were last counted.
    pub counting: Counting,
    /// What the listeners show.
    pub certificates: Certificates,
    /// Browsers that logged in.
    pub sessions: Sessions,
    /// Keys of Microsoft's tenants.
    pub entra_keys: crate::http::incoming::entra::Keys,
    /// Keys of Amazon SNS.
    pub sns_keys: crate::http::incoming::sns::Keys,
    /// Backtests that run or ran a short while ago.
    pub backtests: Backtests,
    /// Presses in Slack that were carried out.
    pub pressed: Pressed,
    /// Live changes.
    pub changes: Hub,
    /// Watchkeeper's own metrics.
    pub metrics: Metrics,
    /// Background tasks.
    pub supervisor: Supervisor,
    /// Cancelled when the server stops.
    pub stopping: CancellationToken,
    /// Places for those who follow the logs live.
    pub tails: Arc<tokio::sync::Semaphore>,
    /// Wakes the chain of an alert's life.
    pub pipeline: Wake,
    /// Wakes delivery.
    pub outbox: Wake,
    /// Seals the names of charts.
    pub instance_key: [u8; 32],
    pub(super) last_telemetry: AtomicI64,
    pub(super) last_reload: Mutex<Reload>,
}

/// The last time that the configuration was read.
#[derive(Debug, Clone, Copy)]
pub struct Reload {
    /// When the configuration that is in force was read.
    pub in_force_since: Timestamp,
    /// Whether the newest attempt succeeded.
    pub succeeded: bool,
}

impl Shared {
    /// Notes that telemetry arrives.
    pub fn received(&self, _: &Batch) {
        self.last_telemetry.store(self.env.now().as_micros(), Ordering::Relaxed);
    }

    /// When telemetry last arrived from outside since the start.
    #[must_use]
    pub fn last_telemetry_at(&self) -> Option<Timestamp> {
        Some(self.last_telemetry.load(Ordering::Relaxed)).filter(|at| *at > 0).map(Timestamp::from_micros)
    }

    /// What series there are.
    #[must_use]
    pub fn catalog(&self) -> impl watchkeeper_detect::never::Catalog {
        super::catalog::StoreCatalog(Arc::clone(&self.store))
    }

    /// How long a rule's condition must hold, as its file says it.
    #[must_use]
    pub fn hold_of(&self, rule_id: Option<&str>) -> Option<String> {
        let rules = self.rules();
        let rule = rules.running.groups.iter().flat_map(|g| &g.rules).find(|r| Some(r.id.as_str()) == rule_id)?;
        match &rule.kind {
            RuleKind::Alerting { hold, .. } if !hold.is_zero() => Some(hold.to_string()),
            _ => None,
        }
    }

    /// Reads the configuration again and applies what can change while running: rules, probes, scrapes, routes, receivers,
    /// workflows, incidents, the status page, tokens, certificates. Listening addresses and the data folder stay until a restart.
    /// A broken configuration changes nothing; its problems are given back as text.
    pub async fn reload(&self) -> Result<String, String> {
        let outcome = self.try_reload().await;
        let mut last = self.last_reload.lock();
        last.succeeded = outcome.is_ok();
        if outcome.is_ok() {
            last.in_force_since = self.env.now();
        }
        outcome
    }

    /// How the last reading of the configuration went.
    #[must_use]
    pub fn last_reload(&self) -> Reload {
        *self.last_reload.lock()
    }

    async fn try_reload(&self) -> Result<String, String> {
        let options = Options {
            config_file: self.config_file.clone(),
            listen: self.overrides.0,
            data: self.overrides.1.clone(),
            otlp_ports: false,
            env: self.env.clone(),
        };
        // Everything that can fail happens before anything changes.
        let config = configure(&options).map_err(|error| match &error {
            StartError::Config(diagnostics) => render(diagnostics, false),
            other => chain(other),
        })?;
        let certificate = tls::load(&config).map_err(|problem| render(&[*problem], false))?;
        self.record_reload(&config).await.map_err(|error| chain(&error))?;
        self.apply_rules(&config).await.map_err(|error| chain(&error))?;
        self.alert_reconciler.reload(Routing::from(&config));
        self.incidents.reload(Policy::from(&config));
        self.on_call.reload(OnCallSettings::from(&config));
        self.drills.reload(DrillSettings::from(&config));
        self.deliverer.configure(&Settings::from(&config));
        self.status_page.reload(config.status_page.clone());
        self.probes.apply(&config.probes);
        self.heartbeats.apply(&config.heartbeats);
        self.scrapes.apply(&config.scrape_jobs);
        if let Some(loaded) = &certificate {
            tls::warn_of_end(loaded, self.env.now());
        }
        self.certificates.replace(certificate);
        let summary = format!(
            "Reloaded: {} rules, {} probes, {} heartbeats, {} scrape jobs, {} receivers, {} workflows.\n",
            config.rule_groups.iter().map(|g| g.rules.len()).sum::<usize>(),
            config.probes.len(),
            config.heartbeats.len(),
            config.scrape_jobs.len(),
            config.receivers.len(),
            config.workflows.len()
        );
        self.config.store(Arc::new(config));
        self.pipeline.wake();
        self.changes.changed(&[ChangeKind::Rule, ChangeKind::Probe, ChangeKind::Notification, ChangeKind::Run]);
        self.changes.changed(&[ChangeKind::OnCall, ChangeKind::Heartbeat]);
        Ok(summary)
    }

    async fn record_reload(&self, config: &Config) -> Result<(), StateError> {
        let mut tx = self.state.write().await?;
        let data = serde_json::json!({
            "rules": config.rule_groups.iter().map(|g| g.rules.len()).sum::<usize>(),
            "receivers": config.receivers.keys().collect::<Vec<_>>(),
            "workflows": config.workflows.keys().collect::<Vec<_>>(),
        });
        ledger::append(
            &mut tx,
            Entry::new(self.env.now(), "config.reloaded", Actor::System, "configuration").data(data),
        )
        .await?;
        State::commit(tx).await
    }
}

/// A key of this installation, made once and kept in the data folder, readable by its owner only.
pub(super) fn instance_key(folder: &Path, env: &Env) -> Result<[u8; 32], StartError> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;

    let file = folder.join("instance.key");
    let cannot = |error: std::io::Error| StartError::Data { path: file.clone(), reason: error.to_string() };
    match std::fs::read(&file) {
        Ok(bytes) => {
            if let Ok(key) = <[u8; 32]>::try_from(bytes) {
                return Ok(key);
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(cannot(error)),
    }
    let mut key = [0; 32];
    env.entropy.fill(&mut key);
    let mut made =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&file).map_err(cannot)?;
    made.write_all(&key).and_then(|()| made.sync_all()).map_err(cannot)?;
    Ok(key)
}
