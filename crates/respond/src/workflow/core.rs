//! The life of one run as a pure function: what is there, what happened, what is next.
//!
//! No IO, no clock: the engine commits the new state first and carries the effects out after that. What a run has done
//! is its records; which try it is in and what comes next follow from them, so a restart needs nothing else.

mod turn;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use watchkeeper_config::model::Workflow;
use watchkeeper_domain::ids::RunId;
use watchkeeper_domain::{Span, Timestamp};

use super::action::Action;
use super::queue::Trigger;
use turn::Turn;

/// The name under which verification is recorded; no step can have it.
pub const VERIFY: &str = "verify";

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant),* }
        impl $name {
            /// The word in rows and in the API.
            #[must_use]
            pub fn as_str(self) -> &'static str { match self { $(Self::$variant => $word),* } }
            /// Reads a row's word.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> { match word { $($word => Some(Self::$variant),)* _ => None } }
        }
    };
}

words! {
    /// How a run stands.
    Status {
        /// Nobody has begun.
        Queued = "queued",
        /// A step is under way.
        Running = "running",
        /// It waits: for a timer, a cooldown, or verification.
        Waiting = "waiting",
        /// It helped.
        Succeeded = "succeeded",
        /// It could not be carried out as it is written.
        Failed = "failed",
        /// It did not help, or nobody knows; people take over.
        HandedOver = "handed_over",
        /// A guard said no.
        Refused = "refused",
        /// Somebody stopped it.
        Cancelled = "cancelled",
    }
}

impl Status {
    /// Whether there is something left to do.
    #[must_use]
    pub fn is_active(self) -> bool {
        matches!(self, Self::Queued | Self::Running | Self::Waiting)
    }
}

words! {
    /// How one attempt of a step stands.
    StepStatus {
        /// Committed before the effect; without a result, nobody knows.
        Started = "started",
        /// Done.
        Succeeded = "succeeded",
        /// Not done.
        Failed = "failed",
        /// The process died, or somebody stopped the run, while it was under way.
        Unknown = "unknown",
        /// Its condition was false.
        Skipped = "skipped",
    }
}

/// One attempt of one step.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The step's name, or [`VERIFY`].
    pub step: String,
    /// From 1, over all tries.
    pub attempt: u32,
    /// The try that it belongs to, from 1.
    pub try_number: u32,
    /// How it stands.
    pub status: StepStatus,
    /// What it was given; secrets as references.
    pub input: Value,
    /// What it gave: `{"summary": "…", "data": …}`. Hostile text.
    pub result: Value,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Whether it differs from its row.
    pub changed: bool,
}

/// A run as its rows tell it.
#[derive(Debug, Clone, PartialEq)]
pub struct RunState {
    /// How it stands.
    pub status: Status,
    /// In words, when it ended.
    pub outcome: String,
    /// When its first step began.
    pub started_at: Option<Timestamp>,
    /// When the engine must look at it again.
    pub due_at: Option<Timestamp>,
    /// What was done, in order.
    pub records: Vec<Record>,
}

/// What does not change during a run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The run.
    pub run: RunId,
    /// The workflow as it was when the run was queued.
    pub workflow: Workflow,
    /// What it acts on.
    pub target: String,
    /// Why it was asked for.
    pub trigger: Trigger,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The engine takes the run up. A step that is `started` belongs to a process that is gone.
    Look,
    /// The step under way ended.
    Finished(Result<Value, String>),
    /// Verification looked.
    Judged {
        /// Whether all expressions hold; an error when one has no answer.
        truth: Result<bool, String>,
        /// What was seen, for people.
        detail: String,
        /// Whether this process has looked since the time before, so that `hold` was not interrupted.
        unbroken: bool,
    },
}

/// What is to be done once the state is committed; notes, messages and ends are part of that commit.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Carry out a step.
    Run {
        /// What to do.
        action: Action,
        /// How long it may take.
        timeout: Span,
    },
    /// Look whether these expressions hold.
    Judge(Vec<String>),
    /// Look again then, without a commit.
    LookAgain(Timestamp),
    /// Put a message into the outbox.
    Notify {
        /// To whom.
        receiver: String,
        /// The text.
        message: String,
    },
    /// Write into the ledger, and the sentence into the timeline.
    Note {
        /// The ledger's kind.
        kind: &'static str,
        /// The ledger's details.
        data: Value,
        /// For people; none: the ledger only.
        text: Option<String>,
    },
    /// The run ended.
    End,
}

/// What is next.
#[must_use]
pub fn step(plan: &Plan, state: &RunState, event: Event, now: Timestamp) -> (RunState, Vec<Effect>) {
    let mut turn = Turn { plan, state: state.clone(), now, effects: Vec::new() };
    match event {
        Event::Look => turn.look(),
        Event::Finished(result) => turn.finished(result),
        Event::Judged { truth, detail, unbroken } => turn.judged(truth, &detail, unbroken),
    }
    (turn.state, turn.effects)
}

/// Ends a run that cannot even be read.
#[must_use]
pub fn unreadable(state: &RunState, reason: &str) -> (RunState, Vec<Effect>) {
    let outcome = format!("it could not be carried out: {reason}");
    let data = json!({"outcome": outcome});
    let state = RunState { status: Status::Failed, outcome: outcome.clone(), due_at: None, ..state.clone() };
    (state, vec![Effect::Note { kind: "run.failed", data, text: Some(outcome) }, Effect::End])
}
