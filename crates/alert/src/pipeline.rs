//! The pipeline from a transition to the outbox, as a list of stages that share one transaction.
//!
//! Not a chain of queues: a pass either happens as a whole or not at all, so that no crash can fall between routing an
//! alert and telling of it. To know what happens in which order, read [`STAGES`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::future::BoxFuture;
use watchkeeper_domain::ids::{AlertId, GroupId};
use watchkeeper_domain::{Env, Labels, Timestamp};
use watchkeeper_state::{StateError, Tx};

use crate::alert::Alert;
use crate::group::{Held, Timing};
use crate::routing::{Quiet, Routing};
use crate::silence::Cache;

mod assign;
mod gather;
mod mute;
mod tell;

/// One stage.
pub struct Stage {
    /// Its name.
    pub name: &'static str,
    /// What it does to the pass.
    pub run: for<'p> fn(&'p mut Pass) -> BoxFuture<'p, Result<(), StateError>>,
}

/// The stages, in order.
pub const STAGES: [Stage; 6] = [
    Stage { name: "route", run: |pass| Box::pin(assign::route(pass)) },
    Stage { name: "group", run: |pass| Box::pin(gather::group(pass)) },
    Stage { name: "inhibit", run: |pass| Box::pin(mute::inhibit(pass)) },
    Stage { name: "silence", run: |pass| Box::pin(mute::silence(pass)) },
    Stage { name: "time", run: |pass| Box::pin(mute::time(pass)) },
    Stage { name: "outbox", run: |pass| Box::pin(tell::outbox(pass)) },
];

/// Most transitions that one pass takes.
pub const MAX_TRANSITIONS: i64 = 500;
/// Most groups that one pass takes because their time has come.
pub const MAX_DUE: i64 = 200;
/// Most members that one pass reads before it leaves the other groups that are due to the next one, so that whoever waits
/// for the writer comes to their turn.
pub const MAX_READ: usize = 1_000;
/// Groups with more members are read as far as something happened in them, and in whole only when they are repeated.
pub const MAX_WHOLE: i64 = 200;

/// What one pass works on.
pub struct Pass {
    pub(crate) tx: Tx,
    pub(crate) env: Env,
    pub(crate) now: Timestamp,
    pub(crate) routing: Arc<Routing>,
    pub(crate) silences: Cache,
    /// Where to go on with routing all firing alerts anew, after a start or a reload.
    pub(crate) reroute_after: Option<String>,
    /// How many transitions were taken.
    pub(crate) taken: usize,
    /// Whether groups are taken because their time has come, or only those in which something happened.
    pub(crate) takes_due: bool,
    /// Alerts with the places that their route leads them to.
    pub(crate) assignments: Vec<Assignment>,
    /// Groups to look at.
    pub(crate) touched: BTreeSet<String>,
    /// Whether an alert ended, so that what it inhibited may go on.
    pub(crate) something_ended: bool,
    /// Memberships that this pass made.
    pub(crate) joined: BTreeSet<(GroupId, AlertId)>,
    pub(crate) groups: Vec<Group>,
    /// How many notifications were written.
    pub(crate) told: usize,
}

/// An alert and one place that it belongs to.
pub(crate) struct Assignment {
    pub(crate) alert: Arc<Alert>,
    pub(crate) timing: Timing,
    pub(crate) path: String,
    pub(crate) receiver: String,
    pub(crate) labels: Labels,
    pub(crate) tried: Arc<Vec<crate::route::Tried>>,
}

/// A group with its members.
pub(crate) struct Group {
    pub(crate) id: GroupId,
    pub(crate) path: String,
    pub(crate) receiver: String,
    pub(crate) labels: Labels,
    pub(crate) created_at: Timestamp,
    pub(crate) last_flush_at: Option<Timestamp>,
    pub(crate) timing: Timing,
    /// Whether its route tells nothing now.
    pub(crate) quiet: Option<Quiet>,
    pub(crate) members: Vec<Membership>,
    /// When it was to be looked at next.
    pub(crate) next_flush_at: Option<Timestamp>,
    /// How many members were not read because nothing happened to them; at least one of those like them was.
    pub(crate) unread: usize,
    /// Only those who have just joined are read: the group's time has not come, nor does it come sooner because of them.
    pub(crate) glance: bool,
}

/// One alert in a group.
pub(crate) struct Membership {
    pub(crate) alert: Arc<Alert>,
    pub(crate) joined_at: Timestamp,
    pub(crate) told_firing: bool,
    /// What held it back when somebody last looked: `silence:sil_…`, `inhibit:alr_…`, `time:nights`, or nothing.
    pub(crate) was_muted: String,
    /// Whether its row says that nothing is to be done about it.
    pub(crate) was_settled: bool,
    pub(crate) mute: Option<Mute>,
    pub(crate) routed: bool,
}

/// What holds an alert back.
pub(crate) struct Mute {
    /// As the row has it.
    pub(crate) by: String,
    pub(crate) held: Held,
    /// For the ledger.
    pub(crate) facts: BTreeMap<&'static str, serde_json::Value>,
}

impl Pass {
    /// A pass over what is unprocessed now.
    pub(crate) fn new(tx: Tx, env: Env, routing: Arc<Routing>, silences: Cache) -> Self {
        let now = env.now();
        Self {
            tx,
            env,
            now,
            routing,
            silences,
            reroute_after: None,
            taken: 0,
            takes_due: true,
            assignments: Vec::new(),
            touched: BTreeSet::new(),
            something_ended: false,
            joined: BTreeSet::new(),
            groups: Vec::new(),
            told: 0,
        }
    }
}

impl Group {
    /// `{}/{team="core"}:{alertname="ApiErrorRateHigh"}`, as Alertmanager shows a group's key.
    pub(crate) fn shown_key(&self) -> String {
        format!("{}:{}", self.path, self.labels)
    }
}
