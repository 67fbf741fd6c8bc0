//! One ledger entry as a step that a person reads.
//!
//! Not a filter: an entry whose kind has no words here is shown by its kind, never left out.

use serde_json::Value;
use watchkeeper_config::model::person::RECEIVER_PREFIX;
use watchkeeper_domain::Integration;
use watchkeeper_state::ledger::LedgerRow;

use crate::http::dto::alerts::ExplainStep;
use crate::http::dto::words::{ExplainStage as Stage, Outcome};

/// The step of an entry.
pub(super) fn step(row: &LedgerRow) -> ExplainStep {
    let text = |key: &str| row.data[key].as_str().unwrap_or("").to_owned();
    let over = || format!("{} over {}", text("receiver"), text("integration"));
    let calls_people = row.data["integration"] == Integration::ON_CALL;
    let (stage, outcome, title) = match row.kind.as_str() {
        "notification.intended" if calls_people => {
            (Stage::Escalation, Outcome::Info, format!("{} calls people ({})", text("receiver"), text("reason")))
        }
        "notification.delivered" if calls_people => {
            (Stage::Escalation, Outcome::Ok, format!("The escalation policy of {} has it", text("receiver")))
        }
        "notification.failed" if calls_people => {
            (Stage::Escalation, Outcome::Failed, format!("Nobody could be called by {}", text("receiver")))
        }
        "escalation.started" => {
            (Stage::Escalation, Outcome::Info, format!("The escalation policy {} begins", text("policy")))
        }
        "escalation.called" => (Stage::Escalation, Outcome::Ok, called(&row.data)),
        "escalation.passed_over" => {
            (Stage::Escalation, Outcome::Stopped, format!("Step {} calls nobody", row.data["step"]))
        }
        "escalation.held" => (Stage::Escalation, Outcome::Stopped, "Calling people is held back".to_owned()),
        "escalation.acknowledged" => (Stage::Escalation, Outcome::Ok, "Nobody else is called".to_owned()),
        "escalation.reminded" => (Stage::Escalation, Outcome::Info, "People are reminded".to_owned()),
        "escalation.exhausted" => {
            (Stage::Escalation, Outcome::Failed, format!("Nobody of {} answered", text("policy")))
        }
        "escalation.ended" => (Stage::Escalation, Outcome::Ok, "Calling people is over".to_owned()),
        "page.not_sent" => {
            let via = text("via");
            let over = if via.is_empty() { String::new() } else { format!(" over {via}") };
            (Stage::Escalation, Outcome::Stopped, format!("{} is not called{over}", whom(&text("receiver"))))
        }
        "rule.pending" => {
            (Stage::Rule, Outcome::Info, "The condition holds; the rule waits whether it lasts".to_owned())
        }
        "rule.firing" => (Stage::Rule, Outcome::Ok, "The rule fires".to_owned()),
        "rule.resolved" => (Stage::Rule, Outcome::Ok, "The rule's condition ended".to_owned()),
        "rule.inactive" => {
            (Stage::Rule, Outcome::Info, "The condition ended before it had lasted long enough".to_owned())
        }
        "rule.unknown" => {
            (Stage::Rule, Outcome::Failed, "Nobody can tell whether the condition still holds".to_owned())
        }
        "rule.known" => (Stage::Rule, Outcome::Ok, "The rule can be judged again".to_owned()),
        "alert.firing" => (Stage::Alert, Outcome::Ok, "The alert fires".to_owned()),
        "alert.resolved" => (Stage::Alert, Outcome::Ok, "The alert is resolved".to_owned()),
        "alert.unknown" => {
            (Stage::Alert, Outcome::Failed, "The alert goes on firing, though nobody can tell".to_owned())
        }
        "alert.known" => (Stage::Alert, Outcome::Ok, "The alert's condition is known again".to_owned()),
        "alert.acknowledged" => (Stage::Alert, Outcome::Ok, format!("{} acknowledged it", row.actor)),
        "alert.routed" => (Stage::Route, Outcome::Ok, format!("Route {} leads to {}", text("route"), text("receiver"))),
        "alert.waiting" => {
            (Stage::Group, Outcome::Waiting, format!("Its group waits ({}) until {}", text("for"), text("until")))
        }
        "alert.silenced" => (Stage::Silence, Outcome::Stopped, "A silence holds it back".to_owned()),
        "alert.inhibited" => (Stage::Inhibit, Outcome::Stopped, "Another alert inhibits it".to_owned()),
        "alert.unmuted" => (Stage::Silence, Outcome::Ok, "Nothing holds it back any more".to_owned()),
        "alert.not_told" => (Stage::Group, Outcome::Stopped, "Nobody is told".to_owned()),
        "notification.intended" => {
            (Stage::Notification, Outcome::Info, format!("To be told: {} ({})", over(), text("reason")))
        }
        "notification.attempted" => {
            (Stage::Attempt, Outcome::Info, format!("Attempt {} to {}", row.data["attempt"], over()))
        }
        "notification.delivered" => (Stage::Receipt, Outcome::Ok, format!("Delivered to {}", over())),
        "notification.retry" => {
            (Stage::Receipt, Outcome::Waiting, format!("Not delivered to {}; it will be tried again", over()))
        }
        "notification.unknown" => {
            (Stage::Receipt, Outcome::Failed, format!("Whether it reached {} is not known", over()))
        }
        "notification.failed" => (Stage::Receipt, Outcome::Failed, format!("It could not be delivered to {}", over())),
        "notification.gathered" => {
            (Stage::Notification, Outcome::Stopped, format!("Told together with others in {}", text("by")))
        }
        "drill.started" => (Stage::Alert, Outcome::Info, format!("A fire drill begins, asked for by {}", row.actor)),
        "drill.confirmed" => (Stage::Alert, Outcome::Ok, format!("{} confirmed the fire drill", row.actor)),
        "drill.missed" => (Stage::Alert, Outcome::Failed, "Nobody confirmed the fire drill".to_owned()),
        kind => by_noun(kind, row),
    };
    ExplainStep {
        at: Some(row.at.into()),
        stage,
        title,
        detail: detail(&row.data),
        outcome,
        data: Some(row.data.clone()),
    }
}

/// A receiver as people say it: a person by their name.
pub(super) fn whom(receiver: &str) -> &str {
    receiver.strip_prefix(RECEIVER_PREFIX).unwrap_or(receiver)
}

fn called(data: &Value) -> String {
    let names: Vec<&str> = data["called"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let round = match data["round"].as_u64() {
        Some(round) if round > 1 => format!(", round {round}"),
        _ => String::new(),
    };
    format!("Step {}{round} calls {}", data["step"], names.join(", "))
}

/// Incidents and runs: their entries carry a text of their own, or their kind says it.
fn by_noun(kind: &str, row: &LedgerRow) -> (Stage, Outcome, String) {
    let (noun, verb) = kind.split_once('.').unwrap_or((kind, ""));
    let said = verb.replace('_', " ");
    let name = ["workflow", "title", "step"].iter().find_map(|key| row.data[*key].as_str()).unwrap_or("");
    let quoted = if name.is_empty() { String::new() } else { format!(" “{name}”") };
    match noun {
        "incident" => (Stage::Incident, Outcome::Info, format!("Incident{quoted} {said} by {}", row.actor)),
        "run" => {
            let outcome = match verb {
                "succeeded" | "step_succeeded" | "verified" => Outcome::Ok,
                "failed" | "step_failed" | "handed_over" => Outcome::Failed,
                "refused" => Outcome::Stopped,
                _ => Outcome::Info,
            };
            (Stage::Workflow, outcome, format!("Workflow{quoted} {said}"))
        }
        _ => (Stage::Alert, Outcome::Info, format!("{kind}{quoted}")),
    }
}

/// What people want to read of an entry's data, a line each.
fn detail(data: &Value) -> Option<String> {
    const SHOWN: [&str; 15] = [
        "reason",
        "value",
        "threshold",
        "tried",
        "group_key",
        "status",
        "receipt",
        "error",
        "next_attempt_at",
        "template_errors",
        "missed",
        "next_at",
        "outcome",
        "note",
        "comment",
    ];
    let lines: Vec<String> = SHOWN
        .iter()
        .filter_map(|key| match &data[*key] {
            Value::Array(missed) if *key == "missed" => {
                let line = |one: &Value| {
                    let text = |key: &str| one[key].as_str().unwrap_or("?").to_owned();
                    format!("not called: {}, because {}", text("target"), text("reason"))
                };
                (!missed.is_empty()).then(|| missed.iter().map(line).collect::<Vec<_>>().join("\n"))
            }
            Value::Array(tried) if *key == "tried" => Some(tried.iter().map(route).collect::<Vec<_>>().join("\n")),
            Value::Null => None,
            Value::String(text) if text.is_empty() => None,
            Value::String(text) => Some(format!("{key}: {text}")),
            other => Some(format!("{key}: {other}")),
        })
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// One node of the route tree that was tried, or one run that was.
fn route(tried: &Value) -> String {
    match (tried["matched"].as_bool(), tried["route"].as_str()) {
        (Some(true), Some(route)) => format!("route {route} matches"),
        (Some(false), Some(route)) => format!("route {route} does not match"),
        _ => format!("{}: {}", tried["workflow"].as_str().unwrap_or("?"), tried["outcome"].as_str().unwrap_or("?")),
    }
}
