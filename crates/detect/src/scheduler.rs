//! The scheduler: evaluates rules when a sample arrives that they depend on, and at their interval at the latest.
//!
//! Cast: `index` hears of arriving series and marks rules; `runtime` knows when each group is due; `pass` evaluates what
//! is due and steps the state machines; `write` puts what changed into one transaction; `series` writes `ALERTS`;
//! `rows` is the SQL; `status` is what people see. Not here: the meaning of expressions (`findings`), of silence (`judge`), of states (`rule`).
//!
//! When a group is evaluated:
//! - On arrival, at once, unless it was evaluated a moment ago. Then it rests for the shorter of `evaluation.coalesce`
//!   and 20 times what its last evaluation cost, so that a flood of samples costs a bounded share of one core, and no
//!   longer than that: a steady stream of arrivals never starves it.
//! - At its interval, and exactly when a `for`, a `keep_firing_for` or an absence runs out.
//! - A window slides while nothing arrives: such rules are looked at 60 times per window, not more than once a second.
//!
//! Guarantees: all transitions of a pass, with their signals, rows and ledger entries, are one transaction, and memory
//! follows only after its commit. Nothing is written when nothing changed. A pending instance goes on across a restart
//! from when it began, and an alert that was on is not told again.

mod index;
mod pass;
mod rows;
mod runtime;
mod series;
mod status;
mod write;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use watchkeeper_config::model::{Evaluation, RuleGroup, RuleKind};
use watchkeeper_domain::query::Query;
use watchkeeper_domain::telemetry::{ArrivalListener, TelemetrySink};
use watchkeeper_domain::{Env, Labels, Span, Timestamp};
use watchkeeper_lang::go_template::Outside;
use watchkeeper_promql::Expr;
use watchkeeper_state::{ReconcileError, Reconciler, Report, SignalSink, State, StateError, Wake};

use crate::compiled::Compiled;
use crate::never::{self, Catalog, Mismatch};
use index::Index;
use runtime::{Health, Instance, Runtime};

pub use runtime::{PastEvaluation, Standing};
use status::Detail;
pub use status::{InstanceStatus, RuleStatus};

/// For how long it is believed that a rule can never fire.
const NEVER_KEPT: Span = Span::from_secs(30);

/// Why rules can never fire, by their ids.
pub type Never = Arc<BTreeMap<String, Vec<Mismatch>>>;

/// What the scheduler works with.
#[derive(Clone)]
pub struct Dependencies {
    /// Time.
    pub env: Env,
    /// Where states are kept.
    pub state: State,
    /// What answers expressions.
    pub query: Arc<dyn Query>,
    /// What takes verdicts.
    pub sink: Arc<dyn SignalSink>,
    /// What takes the results of recording rules.
    pub telemetry: Arc<dyn TelemetrySink>,
    /// What series there are.
    pub catalog: Arc<dyn Catalog>,
}

/// What is to be run.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleSet {
    /// The rules, in the order in which they are shown.
    pub groups: Vec<RuleGroup>,
    /// How often and how soon they are evaluated.
    pub evaluation: Evaluation,
    /// What `externalURL` is in templates.
    pub external_url: String,
}

/// Runs the rules. Tell it of arrivals, and call [`Reconciler::reconcile`] when woken or due.
pub struct Scheduler {
    env: Env,
    state: State,
    query: Arc<dyn Query>,
    sink: Arc<dyn SignalSink>,
    telemetry: Arc<dyn TelemetrySink>,
    catalog: Arc<dyn Catalog>,
    /// The rules that can never fire, as they were a moment ago.
    never: Mutex<Option<(Timestamp, Never)>>,
    wake: Wake,
    index: RwLock<Arc<Index>>,
    runtime: Mutex<Runtime>,
    /// Held for the length of a pass and of a reload.
    pass: tokio::sync::Mutex<()>,
}

impl Scheduler {
    /// Takes up the rules where the last run left them.
    pub async fn load(with: Dependencies, rules: &RuleSet) -> Result<Self, StateError> {
        let now = with.env.now();
        let instances = rows::load(&with.state).await?;
        let healths = rows::load_health(&with.state).await?;
        let mut runtime = Runtime::default();
        runtime.apply(compile(rules), rules.evaluation, now);
        restore(&mut runtime, instances, healths);
        let Dependencies { env, state, query, sink, telemetry, catalog } = with;
        let index = RwLock::new(Arc::new(runtime.index()));
        let (wake, pass) = (Wake::default(), tokio::sync::Mutex::new(()));
        let (never, runtime) = (Mutex::new(None), Mutex::new(runtime));
        Ok(Self { env, state, query, sink, telemetry, catalog, never, wake, index, runtime, pass })
    }

    /// What wakes it.
    #[must_use]
    pub fn wake(&self) -> Wake {
        self.wake.clone()
    }

    /// Takes over a new configuration. Rules whose id and content are the same go on undisturbed; alerts of rules that
    /// are no more resolve in the next pass.
    pub async fn apply(&self, rules: &RuleSet) {
        let compiled = compile(rules);
        let _no_pass = self.pass.lock().await;
        let mut runtime = self.runtime.lock();
        runtime.apply(compiled, rules.evaluation, self.env.now());
        *self.index.write() = Arc::new(runtime.index());
        drop(runtime);
        *self.never.lock() = None;
        self.wake.wake();
    }

    /// Why rules can never fire, by their ids; rules that can are not in it. Looked up anew every 30 s at most: it asks the
    /// store about every rule that sees nothing.
    #[must_use]
    pub fn never(&self) -> Never {
        let now = self.env.now();
        if let Some((at, never)) = &*self.never.lock()
            && now.since(*at) < NEVER_KEPT
        {
            return Arc::clone(never);
        }
        let silent: Vec<(String, String)> = {
            let runtime = self.runtime.lock();
            let blind = runtime.rules().filter(|r| r.instances.is_empty() && r.last.is_none_or(|l| l.series_seen == 0));
            blind.map(|r| (r.rule.rule.id.clone(), r.rule.rule.expr.clone())).collect()
        };
        let found = silent.into_iter().filter_map(|(id, expr)| {
            let found = never::mismatches(&Expr::parse(&expr).ok()?, &*self.catalog);
            (!found.is_empty()).then_some((id, found))
        });
        let never: Never = Arc::new(found.collect());
        *self.never.lock() = Some((now, Arc::clone(&never)));
        never
    }

    /// A rule's kind and its last evaluations, the newest at the end; none when there is no such rule.
    #[must_use]
    pub fn evaluations(&self, rule_id: &str) -> Option<(RuleKind, Vec<PastEvaluation>)> {
        let mut runtime = self.runtime.lock();
        let run = runtime.rule_mut(rule_id)?;
        Some((run.rule.rule.kind.clone(), run.past.iter().copied().collect()))
    }

    /// All rules as they run, in the order of the configuration.
    #[must_use]
    pub fn statuses(&self) -> Vec<RuleStatus> {
        status::of(&self.runtime.lock(), Detail::Brief)
    }

    /// The same with the rendered annotations of every instance, which cost a template each.
    #[must_use]
    pub fn statuses_with_annotations(&self) -> Vec<RuleStatus> {
        status::of(&self.runtime.lock(), Detail::Annotations)
    }
}

impl ArrivalListener for Scheduler {
    fn arrived(&self, series: &[Labels]) {
        let index = self.index.read().clone();
        if index.mark(series) {
            self.wake.wake();
        }
    }
}

impl Reconciler for Scheduler {
    fn name(&self) -> &'static str {
        "rules"
    }

    fn reconcile(&self) -> Pin<Box<dyn Future<Output = Result<Report, ReconcileError>> + Send + '_>> {
        Box::pin(self.pass())
    }
}

type CompiledGroup = (String, Span, Vec<Arc<Compiled>>);

fn compile(rules: &RuleSet) -> Vec<CompiledGroup> {
    let shortest = Span::from_millis(100);
    let outside = Outside { url: rules.external_url.clone(), ..Outside::default() };
    rules
        .groups
        .iter()
        .map(|group| {
            let compiled = |rule| Arc::new(Compiled::new(group, rule).with_outside(outside.clone()));
            let interval = group.interval.unwrap_or(rules.evaluation.interval).max(shortest);
            (group.name.clone(), interval, group.rules.iter().map(compiled).collect())
        })
        .collect()
}

fn restore(runtime: &mut Runtime, instances: Vec<(String, Instance)>, healths: Vec<(String, Health)>) {
    let mut lost: BTreeMap<String, Vec<Instance>> = BTreeMap::new();
    for (rule_id, instance) in instances {
        match runtime.rule_mut(&rule_id) {
            Some(run) => {
                run.instances.insert(run.rule.identity(&instance.labels), instance);
                // What the process before this one wrote; whatever of it is no more has to be marked as ended.
                run.active = series::active_of(run);
            }
            None => lost.entry(rule_id).or_default().push(instance),
        }
    }
    for (rule_id, instances) in lost {
        runtime.orphan(&rule_id, instances.into_iter(), "the rule was removed");
    }
    for (rule_id, health) in healths {
        match runtime.rule_mut(&rule_id) {
            Some(run) => {
                run.health = health;
                run.stored = true;
            }
            None => runtime.forgotten.push(rule_id),
        }
    }
}

#[cfg(test)]
mod tests;
