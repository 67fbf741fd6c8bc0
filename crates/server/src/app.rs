//! The application as a value: start it, reload its configuration, stop it. `serve` runs one; tests run several.
//!
//! Not what the parts do. This file says which parts there are and in which order they begin: state, telemetry, rules,
//! the chain of an alert's life, delivery, listeners. What may fail fails before anything listens.

mod automation;
mod background;
mod backtests;
mod catalog;
mod context;
mod inputs;
mod metrics;
mod onward;
mod opening;
mod pressed;
mod progress;
mod repeats;
pub mod rule_groups;
mod senders;
mod shared;

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use tokio::sync::Semaphore;
use watchkeeper_alert::silence::Silences;
use watchkeeper_alert::{AlertReconciler, Alerts, Expiry, Intake, Routing};
use watchkeeper_config::{Config, Diagnostic, ExprProblem, FileSystem, render};
use watchkeeper_detect::heartbeat::Heartbeats;
use watchkeeper_detect::probe::{ProbeRunner, RealNetwork};
use watchkeeper_detect::scheduler::{Dependencies, Scheduler};
use watchkeeper_domain::telemetry::ArrivalListener;
use watchkeeper_domain::{Env, Labels, Span};
use watchkeeper_incident::drill::settings::Settings as DrillSettings;
use watchkeeper_incident::oncall::{OnCall, OnCallWatch, Settings as OnCallSettings};
use watchkeeper_incident::{Drills, EscalationReconciler, IncidentReconciler, Incidents, Policy};
use watchkeeper_ingest::Limits;
use watchkeeper_promql::Expr;
use watchkeeper_publish::StatusReconciler;
use watchkeeper_respond::client::{Client, ClientError};
use watchkeeper_respond::notify::deliver::{Deliverer, Options as DelivererOptions, Settings};
use watchkeeper_respond::notify::watch::ReceiverWatch;
use watchkeeper_respond::workflow::{Engine, Options as EngineOptions, Parts, Runner};
use watchkeeper_scrape::{HttpFetch, ScrapeRunner};
use watchkeeper_state::{State, StateError, Wake};
use watchkeeper_store::{Store, StoreOptions};

use crate::http::access::Sessions;
use crate::http::events::Hub;
use crate::http::{drills, listen, router};
use crate::supervisor::Supervisor;
use crate::tls::{self, Certificates};
use crate::watchman::{self, Watchman};
pub use background::Chain;
pub use backtests::{Backtests, Job, JobState};
use context::MessageContext;
pub use metrics::Metrics;
use onward::Onward;
use opening::{bind, configure, listener, lock};
use pressed::Pressed;
pub use progress::Progress;
pub use repeats::Repeats;
pub use senders::Senders;
pub use shared::Shared;

/// How many people may follow the logs live at a time.
const TAILS: usize = 64;
/// How long requests and sends may take to end when the server stops.
const GRACE: Span = Span::from_secs(8);

/// What an application is started with.
pub struct Options {
    /// The main configuration file; none: the defaults.
    pub config_file: Option<PathBuf>,
    /// Overrides `server.listen`.
    pub listen: Option<SocketAddr>,
    /// Overrides `storage.path`.
    pub data: Option<PathBuf>,
    /// Whether the OTLP ports are opened.
    pub otlp_ports: bool,
    /// Time and randomness.
    pub env: Env,
}

/// Why it did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is refused.
    #[error("the configuration is refused")]
    Config(Vec<Diagnostic>),
    /// Another process uses the data folder, or it cannot be used at all.
    #[error("the data folder {} cannot be used: {reason}", path.display())]
    Data {
        /// The folder.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// The state database.
    #[error(transparent)]
    State(#[from] StateError),
    /// The telemetry store.
    #[error(transparent)]
    Store(#[from] watchkeeper_store::Error),
    /// The HTTP client.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The system's certificates cannot be read, which HTTPS probes need.
    #[error("the system's root certificates cannot be read ({0}); install the package `ca-certificates`")]
    Roots(String),
    /// The thread that watches over the others cannot be made.
    #[error("the watchman's thread cannot be started: {0}")]
    Watchman(std::io::Error),
    /// An address cannot be listened on.
    #[error(
        "{address} cannot be listened on; is another server running, or is the port taken? ({key} in the configuration)"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The configuration's key.
        key: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
}

impl StartError {
    /// The configuration's problems, rendered, when that is what is wrong.
    #[must_use]
    pub fn diagnostics(&self) -> Option<String> {
        match self {
            Self::Config(diagnostics) => Some(render(diagnostics, false)),
            _ => None,
        }
    }
}

/// Says whether a text is PromQL, for the configuration, which does not know the language.
pub fn check_expr(text: &str) -> Result<(), ExprProblem> {
    Expr::parse(text).map(drop).map_err(|error| ExprProblem { message: error.reason(), offset: error.offset(text) })
}

/// A running application.
pub struct App {
    shared: Arc<Shared>,
    addresses: Addresses,
    watchman: std::thread::JoinHandle<()>,
    /// Held as long as the data folder is ours.
    _lock: File,
}

/// Where it listens.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    /// Console, API, remote write.
    pub main: SocketAddr,
    /// OTLP over HTTP.
    pub otlp_http: Option<SocketAddr>,
    /// OTLP over gRPC.
    pub otlp_grpc: Option<SocketAddr>,
}

/// Passes arrivals on to the scheduler, which needs the store to be made first.
#[derive(Default)]
struct Relay(OnceLock<Arc<Scheduler>>);

impl ArrivalListener for Relay {
    fn arrived(&self, series: &[Labels]) {
        if let Some(scheduler) = self.0.get() {
            scheduler.arrived(series);
        }
    }
}

/// All parts, put together and not yet running: nothing listens and no background work is done.
///
/// Tests drive the chains themselves, on a clock of their own; [`App::start`] gives them to the supervisor.
pub struct Assembly {
    /// What handlers share.
    pub shared: Arc<Shared>,
    /// The background work, in chains.
    pub chains: Vec<Chain>,
    lock: File,
}

impl Assembly {
    /// Opens the data folder and puts the parts together, on the machine's network.
    pub async fn new(options: &Options) -> Result<Self, StartError> {
        Self::over(options, Client::new()?).await
    }

    /// The same, on the network of a client.
    pub async fn over(options: &Options, client: Client) -> Result<Self, StartError> {
        let env = options.env.clone();
        let config = Arc::new(configure(options)?);
        let certificates = Certificates::default();
        let certificate = tls::load(&config).map_err(|problem| StartError::Config(vec![*problem]))?;
        if let Some(loaded) = &certificate {
            tls::warn_of_end(loaded, env.now());
        }
        certificates.replace(certificate);
        let lock = lock(&config.storage.path)?;

        let state = State::open(&config.storage.path.join("state.db")).await?;
        let relay = Arc::new(Relay::default());
        let store = open_store(&config, &env, Arc::clone(&relay)).await?;

        let wakes = Wakes::default();
        let (changes, supervisor) = (Hub::default(), Supervisor::new(env.clone()));
        let silences = Silences::new(state.clone(), env.clone(), wakes.pipeline.clone());
        let alert_reconciler =
            Arc::new(AlertReconciler::new(state.clone(), env.clone(), Routing::from(config.as_ref())));
        let boot_id = env.uuid_v7().simple().to_string();
        let live = Arc::new(ArcSwap::from(Arc::clone(&config)));
        let incidents = Incidents::new(
            state.clone(),
            env.clone(),
            Policy::from(config.as_ref()),
            Arc::new(automation::Starter::new(Arc::clone(&live), env.clone())),
            vec![wakes.pipeline.clone(), wakes.outbox.clone(), wakes.workflows.clone()],
        );
        let base = options.config_file.as_deref().and_then(Path::parent).unwrap_or(Path::new("")).to_owned();
        let runner = Runner::new(client.clone(), Arc::new(FileSystem), base, Arc::clone(&store) as _, env.clone());
        let engine = Arc::new(Engine::new(
            Parts {
                state: state.clone(),
                env: env.clone(),
                runner: Arc::new(runner),
                query: Arc::clone(&store) as _,
                sink: Arc::clone(&store) as _,
                hand_over: Arc::new(automation::HandOverToPeople::new(incidents.clone())),
                receivers: automation::receivers(Arc::clone(&live)),
            },
            EngineOptions { wake: wakes.workflows.clone(), wakes: vec![wakes.pipeline.clone(), wakes.outbox.clone()] },
        ));
        let incident_reconciler = Arc::new(IncidentReconciler::new(incidents.clone(), Arc::clone(&store) as _));
        let on_call = OnCall::new(
            state.clone(),
            env.clone(),
            OnCallSettings::from(config.as_ref()),
            vec![wakes.pipeline.clone(), wakes.outbox.clone()],
        );
        let escalation_reconciler = Arc::new(EscalationReconciler::new(on_call.clone(), silences.cache().clone()));
        let context = Arc::new(MessageContext::default());
        let deliverer = Arc::new(Deliverer::new(
            state.clone(),
            env.clone(),
            DelivererOptions { boot_id, sole_owner: true },
            &Settings::from(config.as_ref()),
            client.clone(),
            Arc::clone(&context) as _,
            wakes.outbox.clone(),
        ));
        let sink = Arc::new(Onward {
            alerts: Alerts::new(env.clone(), vec![wakes.pipeline.clone()]),
            alert_reconciler: Arc::clone(&alert_reconciler),
            incident_reconciler: Arc::clone(&incident_reconciler),
            escalation_reconciler: Arc::clone(&escalation_reconciler),
            deliverer: Arc::clone(&deliverer),
            workflows: wakes.workflows.clone(),
            changes: changes.clone(),
        });
        let intake = Intake::new(state.clone(), env.clone(), Arc::clone(&sink) as _);
        let expiry = Arc::new(Expiry::new(state.clone(), env.clone(), Arc::clone(&sink) as _));
        let on_call_watch = Arc::new(OnCallWatch::new(on_call.clone(), Arc::clone(&sink) as _));
        let rule_groups = rule_groups::RuleGroups::load(&state, &config).await?;
        let instance_key = shared::instance_key(&config.storage.path, &env)?;
        let drills = Arc::new(Drills::new(
            state.clone(),
            env.clone(),
            DrillSettings::from(config.as_ref()),
            Arc::clone(&sink) as _,
            drills::confirm_url(instance_key, Arc::clone(&live)),
        ));
        let receiver_watch = Arc::new(ReceiverWatch::new(
            state.clone(),
            env.clone(),
            configured(Arc::clone(&live)),
            Arc::clone(&sink) as _,
        ));
        let heartbeats = Arc::new(Heartbeats::new(
            env.clone(),
            state.clone(),
            Arc::clone(&sink) as _,
            Arc::clone(&store) as _,
            wakes.pipeline.clone(),
        ));
        heartbeats.apply(&config.heartbeats);
        let scheduler = Scheduler::load(
            Dependencies {
                env: env.clone(),
                state: state.clone(),
                query: Arc::clone(&store) as _,
                sink,
                telemetry: Arc::clone(&store) as _,
                catalog: Arc::new(catalog::StoreCatalog(Arc::clone(&store))),
            },
            &rule_groups.now().running,
        )
        .await?;
        let scheduler = Arc::new(scheduler);
        // It is empty: nothing else sets it.
        drop(relay.0.set(Arc::clone(&scheduler)));
        let network = RealNetwork::new(env.clone()).map_err(|error| StartError::Roots(error.to_string()))?;
        let probes = Arc::new(ProbeRunner::new(env.clone(), Arc::new(network), Arc::clone(&store) as _));
        probes.apply(&config.probes);

        let scrapes = Arc::new(ScrapeRunner::new(env.clone(), HttpFetch::make(), Arc::clone(&store) as _));
        scrapes.apply(&config.scrape_jobs);

        let started_at = env.now();
        let shared = Arc::new(Shared {
            instance_key,
            progress: Arc::default(),
            watchman: Watchman::new()?,
            drills,
            receiver_watch,
            limits: Limits::default(),
            decoding: Semaphore::new(std::thread::available_parallelism().map_or(2, std::num::NonZero::get)),
            http: reqwest::Client::new(),
            config_file: options.config_file.clone(),
            overrides: (options.listen, options.data.clone()),
            status_page: Arc::new(StatusReconciler::new(state.clone(), env.clone(), config.status_page.clone())),
            config: live,
            stopping: supervisor.stopping(),
            tails: Arc::new(tokio::sync::Semaphore::new(TAILS)),
            pipeline: wakes.pipeline.clone(),
            outbox: wakes.outbox.clone(),
            senders: Senders::default(),
            repeats: Repeats::default(),
            counting: Default::default(),
            certificates,
            sessions: Sessions::default(),
            sns_keys: Default::default(),
            entra_keys: Default::default(),
            backtests: Backtests::default(),
            pressed: Pressed::default(),
            metrics: Metrics::default(),
            last_telemetry: std::sync::atomic::AtomicI64::new(0),
            started_at,
            last_reload: parking_lot::Mutex::new(shared::Reload { in_force_since: started_at, succeeded: true }),
            env,
            state,
            store,
            scheduler,
            rule_groups,
            probes,
            heartbeats,
            scrapes,
            intake,
            expiry,
            silences,
            alert_reconciler,
            incidents,
            incident_reconciler,
            on_call,
            on_call_watch,
            escalation_reconciler,
            deliverer,
            engine,
            client,
            changes,
            supervisor,
        });
        context.attach(&shared);
        let chains = background::chains(&shared, &wakes);
        Ok(Self { shared, chains, lock })
    }
}

impl App {
    /// Starts everything and returns when it is ready.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let Assembly { shared, chains, lock } = Assembly::new(&options).await?;
        let config = shared.config.load_full();
        let (main, addresses, others) = bind(&config, options.otlp_ports).await?;
        let sockets = inputs::bind(&config).await?;
        for chain in chains {
            shared.supervisor.reconcile(chain.name, chain.wake, chain.stages);
        }
        let (probes, probes_stop) = (Arc::clone(&shared.probes), shared.supervisor.stopping());
        shared.supervisor.run("probes", async move { probes.run(probes_stop.cancelled()).await });
        let (scrapes, scrapes_stop) = (Arc::clone(&shared.scrapes), shared.supervisor.stopping());
        shared.supervisor.run("scrapes", async move { scrapes.run(scrapes_stop.cancelled()).await });
        inputs::run(&shared, sockets).await?;
        let (stop, connections) = (shared.supervisor.stopping(), shared.supervisor.connections());
        let serve = |listener, router| {
            let (stop, connections) = (stop.clone(), Arc::clone(&connections));
            listen::serve(listener, router, stop, connections, listen::HEADER_TIMEOUT, shared.certificates.clone())
        };
        shared.supervisor.run("http", serve(main, router::main(&shared)));
        for (listener, grpc) in others {
            let router = if grpc { router::otlp_grpc(&shared) } else { router::otlp_http(&shared) };
            shared.supervisor.run("otlp", serve(listener, router));
        }
        let scheme = if config.server.tls.is_some() { "https" } else { "http" };
        tracing::info!(address = %addresses.main, "ready: {scheme}://{}", addresses.main);
        let watchman = watchman::start(&shared).map_err(StartError::Watchman)?;
        Ok(Self { shared, addresses, watchman, _lock: lock })
    }

    /// What handlers share.
    #[must_use]
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Where it listens.
    #[must_use]
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// Stops taking requests, lets what is under way end, and closes the files.
    pub async fn stop(self) {
        self.shared.supervisor.stop(GRACE).await;
        self.shared.deliverer.shutdown(Span::from_secs(5)).await;
        // It was told to stop; a panic in there was printed by the thread itself.
        drop(tokio::task::spawn_blocking(move || self.watchman.join()).await);
        let store = Arc::clone(&self.shared.store);
        // A panic in there was logged by the store itself.
        drop(tokio::task::spawn_blocking(move || store.close()).await);
        self.shared.state.close().await;
    }
}

/// What wakes the chains of reconcilers.
#[derive(Clone, Default)]
pub(crate) struct Wakes {
    pipeline: Wake,
    outbox: Wake,
    workflows: Wake,
}

async fn open_store(config: &Config, env: &Env, relay: Arc<Relay>) -> Result<Arc<Store>, StartError> {
    let options = StoreOptions {
        retention: config.storage.retention,
        max_bytes: config.storage.max_bytes,
        out_of_order_window: config.storage.out_of_order_window,
        ..StoreOptions::new(config.storage.path.join("telemetry"))
    };
    let env = env.clone();
    let opened = tokio::task::spawn_blocking(move || Store::open(&options, env, relay)).await;
    let (store, recovery) = match opened {
        Ok(opened) => opened?,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    };
    for damage in &recovery.damage {
        tracing::error!(?damage, "telemetry was lost to damage on disk");
    }
    Ok(Arc::new(store))
}

/// The configuration as it is whenever somebody asks.
fn configured(live: Arc<ArcSwap<Config>>) -> watchkeeper_respond::notify::watch::Configured {
    Arc::new(move || live.load_full())
}
