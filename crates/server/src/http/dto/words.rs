//! The closed sets of words that the API uses: states, priorities, categories, outcomes.
//!
//! Not the domain's own enums: each is converted where an answer is made, so that the API's words are stable.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant),* }
    )*};
}

words! {
    /// How urgent: critical and high page somebody at once.
    Priority { Critical, High, Medium, Low }
    /// What it is about.
    Category { Resource, Database, Registry, Keyvault, Application, Security, Business }
    /// An alert's state. `unknown`: its rule could not be evaluated, so it is neither firing for sure nor resolved.
    AlertState { Pending, Firing, Unknown, Resolved }
    /// A rule's state: the worst of its instances, or `unknown` when it could not be evaluated.
    RuleState { Ok, Pending, Firing, Unknown }
    /// A silence's state, derived from the time.
    SilenceState { Pending, Active, Expired }
    /// An incident's state, in the order in which it goes through them.
    IncidentState { Triggered, Acknowledged, Mitigated, Resolved, Closed }
    /// The outcome of triage. A security incident is restricted, and automation may only contain.
    IncidentKind { Operational, Security }
    /// A role in an incident.
    Role { IncidentCommander, CommunicationsLead, OperationsLead, Scribe }
    /// A hop in an alert's life.
    ExplainStage {
        Sample, Rule, Alert, Route, Group, Silence, Inhibit, Incident, Workflow, Escalation, Notification, Attempt,
        Receipt,
    }
    /// What came of a hop. `waiting`: not yet; `stopped`: held back on purpose; `failed`: it should have worked.
    Outcome { Ok, Waiting, Stopped, Failed, Info }
    /// A workflow run's state. `handed_over`: it did not help, and people were called.
    RunState { Waiting, Running, Succeeded, Failed, HandedOver, Refused, Cancelled }
    /// A step's state.
    StepState { Pending, Running, Succeeded, Failed, Skipped, Cancelled }
    /// A notification's or an attempt's state. `uncertain`: sent, but whether it arrived is not known.
    DeliveryState { Pending, Sending, Delivered, Retrying, Failed, Uncertain, Suppressed }
    /// How people being called stands. `held`: a silence or an inhibition holds all of it back; `exhausted`: everybody was
    /// called as often as the policy says, and nobody answered.
    EscalationPhase { Paging, Held, Acknowledged, Exhausted, Resolved }
    /// A fire drill's state.
    DrillState { Waiting, Confirmed, Missed }
    /// A call's state. `cancelled`: it was called off, for the reason that it gives.
    PageState { Waiting, Sent, Cancelled }
    /// A receiver's health, from its last attempts.
    ReceiverHealth { Ok, Failing, Untested }
    /// A probe's state. `unknown`: it has not run, or its own machinery failed.
    ProbeState { Up, Down, Unknown }
    /// A heartbeat's state. `new`: it never reported; `grace`: it is expected by now and not late yet; `unknown`: it may have
    /// reported when this server could not hear it.
    HeartbeatState { New, Up, Grace, Late, Failed, Unknown }
    /// A span's status, as OpenTelemetry has it.
    SpanStatus { Unset, Ok, Error }
    /// What a person may do: a viewer looks, a responder acts, an admin configures.
    PersonRole { Viewer, Responder, Admin }
    /// An action item's state.
    ActionItemState { Open, Done }
    /// How the compared value relates to the threshold for the alert to fire.
    Comparison { Gt, Ge, Lt, Le, Eq, Ne }
}

impl DeliveryState {
    /// The state's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sending => "sending",
            Self::Delivered => "delivered",
            Self::Retrying => "retrying",
            Self::Failed => "failed",
            Self::Uncertain => "uncertain",
            Self::Suppressed => "suppressed",
        }
    }
}

impl From<watchkeeper_domain::Priority> for Priority {
    fn from(priority: watchkeeper_domain::Priority) -> Self {
        use watchkeeper_domain::Priority as P;
        match priority {
            P::Critical => Self::Critical,
            P::High => Self::High,
            P::Medium => Self::Medium,
            P::Low => Self::Low,
        }
    }
}

impl From<Priority> for watchkeeper_domain::Priority {
    fn from(priority: Priority) -> Self {
        match priority {
            Priority::Critical => Self::Critical,
            Priority::High => Self::High,
            Priority::Medium => Self::Medium,
            Priority::Low => Self::Low,
        }
    }
}

impl From<watchkeeper_domain::Category> for Category {
    fn from(category: watchkeeper_domain::Category) -> Self {
        use watchkeeper_domain::Category as C;
        match category {
            C::Resource => Self::Resource,
            C::Database => Self::Database,
            C::Registry => Self::Registry,
            C::Keyvault => Self::Keyvault,
            C::Application => Self::Application,
            C::Security => Self::Security,
            C::Business => Self::Business,
        }
    }
}

/// The domain's category of the API's word.
#[must_use]
pub fn category(category: Category) -> watchkeeper_domain::Category {
    use watchkeeper_domain::Category as C;
    match category {
        Category::Resource => C::Resource,
        Category::Database => C::Database,
        Category::Registry => C::Registry,
        Category::Keyvault => C::Keyvault,
        Category::Application => C::Application,
        Category::Security => C::Security,
        Category::Business => C::Business,
    }
}
