//! Whom a receiver's escalation policy would call at a moment, step by step. Calls nobody.
//!
//! Not a promise: who is on call is looked up again when a step comes.

use watchkeeper_domain::{Priority, Span, Timestamp};
use watchkeeper_state::StateError;

use super::call::{reach, ways};
use crate::oncall::command::OnCall;
use crate::oncall::restriction::Window;
use crate::oncall::store;

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepCalls {
    /// How long after the beginning it is taken, if nobody acknowledges.
    pub after: Span,
    /// Whom it calls.
    pub calls: Vec<Call>,
    /// Targets that reach nobody, with the reason.
    pub missed: Vec<(String, String)>,
}

/// One who would be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// `person:ana`, or a receiver.
    pub receiver: String,
    /// What leads there.
    pub why: String,
    /// Over which ways and how long after the step, by their own rules; empty: their rules have none for this priority.
    pub ways: Vec<(String, Span)>,
}

/// The policy's name and its steps, if the receiver has one.
pub async fn calls(
    on_call: &OnCall,
    receiver: &str,
    priority: Priority,
    at: Timestamp,
) -> Result<Option<(String, Vec<StepCalls>)>, StateError> {
    let settings = on_call.settings();
    let Some(policy) = settings.paging.get(receiver).and_then(|name| settings.policies.get(name)) else {
        return Ok(None);
    };
    let instant = Window { from: at, until: at + Span::from_micros(1) };
    let overrides = store::by_schedule(&store::overrides(on_call.state.read(), instant).await?);
    let (mut steps, mut after) = (Vec::new(), Span::ZERO);
    for step in &policy.steps {
        let found = reach(&settings, &overrides, step, at);
        let call = |called: &super::call::Called| Call {
            receiver: called.receiver.clone(),
            why: called.why.clone(),
            ways: ways(&settings, called, priority).into_iter().map(|way| (way.via, way.after)).collect(),
        };
        let calls: Vec<Call> = found.called.iter().map(call).collect();
        let reached = !calls.is_empty();
        steps.push(StepCalls { after, calls, missed: found.missed });
        // One that reaches nobody is passed over at once.
        if reached {
            after = Span::from_micros(after.as_micros().saturating_add(step.delay.as_micros()));
        }
    }
    Ok(Some((policy.name.clone(), steps)))
}
