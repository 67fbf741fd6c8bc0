//! Why somebody was, or was not, told of an alert: every hop in order, read from the ledger.
//!
//! Not a reconstruction: each step is an entry that was written in the transaction that made it true. What has no entry
//! did not happen, and the last step says what is being waited for.

mod notification;
mod person;
mod words;

use serde_json::Value;
use watchkeeper_alert::alert::{Alert, AlertState};
use watchkeeper_domain::{Integration, Span, Timestamp};
use watchkeeper_state::StateError;
use watchkeeper_state::ledger::{self, About, LedgerRow};

pub use notification::notification;
pub use person::person;

use crate::app::Shared;
use crate::http::dto::alerts::{ExplainStep, Explanation};
use crate::http::dto::words::{ExplainStage, Outcome};

/// The most entries that are read for one explanation.
const MOST: i64 = 2_000;

/// Explains an alert.
pub async fn alert(shared: &Shared, alert: &Alert) -> Result<Explanation, StateError> {
    let pool = shared.state.read();
    let mut rows = ledger::entries(pool, About::Alert(alert.id), MOST).await?;
    if let Some(rule) = &alert.rule_id {
        // The rule's steps are about a label set, not about one alert: those of this firing are picked by time.
        let subject = format!("{rule}/{}", alert.fingerprint);
        let of_rule = ledger::entries(pool, About::Subject(&subject), MOST).await?;
        rows.extend(of_rule.into_iter().filter(|row| within(alert, row.at)));
    }
    if let Some(incident) = alert.incident_id {
        let of_incident = ledger::entries(pool, About::Incident(incident), MOST).await?;
        rows.extend(
            of_incident.into_iter().filter(|row| row.kind.starts_with("incident.") || row.kind.starts_with("run.")),
        );
    }
    rows.sort_by_key(|row| row.seq);
    rows.dedup_by_key(|row| row.seq);

    let mut steps: Vec<ExplainStep> = crossed(alert).into_iter().chain(rows.iter().map(words::step)).collect();
    steps.extend(now(shared, alert, &rows));
    Ok(Explanation { alert_id: alert.id.to_string(), verdict: verdict(alert, &rows), steps })
}

/// Whether an entry of the rule belongs to this firing: from its pending to its end.
fn within(alert: &Alert, at: Timestamp) -> bool {
    // The rule's entry and the alert's carry the same moment; a second of slack costs nothing.
    let slack = Span::from_secs(1);
    at >= alert.started_at - slack && alert.resolved_at.is_none_or(|end| at <= end + slack)
}

/// The samples that crossed.
fn crossed(alert: &Alert) -> Option<ExplainStep> {
    let points = alert.evidence["crossed"]["points"].as_array();
    // The alert's own value follows the series; what made it fire is the last sample before it did.
    let value = points.and_then(|p| p.last()).and_then(|p| p[1].as_f64()).or(alert.value)?;
    let (op, threshold) = (alert.comparison.as_deref().unwrap_or("against"), alert.threshold?);
    let shown = points.map(|points| {
        let tail = points.iter().rev().take(5).rev();
        let point = |p: &Value| {
            let at = p[0].as_i64().map(|ms| Timestamp::from_millis(ms).to_string()).unwrap_or_default();
            format!("{at}  {}", p[1])
        };
        tail.map(point).collect::<Vec<_>>().join("\n")
    });
    let lhs = alert.evidence["lhs"].as_str().or(alert.expr.as_deref()).unwrap_or("");
    Some(ExplainStep {
        at: Some(alert.started_at.into()),
        stage: ExplainStage::Sample,
        title: format!("A sample crossed: {value:.4} {op} {threshold}"),
        detail: Some(shown.map_or_else(|| lhs.to_owned(), |points| format!("{lhs}\n{points}"))),
        outcome: Outcome::Info,
        data: Some(alert.evidence.clone()),
    })
}

/// What is true now and has no entry of its own.
fn now(shared: &Shared, alert: &Alert, rows: &[LedgerRow]) -> Option<ExplainStep> {
    let told = rows.iter().any(|row| row.kind == "notification.delivered" && reaches(row));
    if alert.state == AlertState::Resolved || told {
        return None;
    }
    let intended = rows.iter().any(|row| row.kind == "notification.intended");
    let (outcome, title) = if intended {
        (Outcome::Waiting, "A notification is on its way; no receipt yet")
    } else {
        (Outcome::Waiting, "Nobody was told yet; the last step above says why")
    };
    Some(ExplainStep {
        at: Some(shared.env.now().into()),
        stage: ExplainStage::Notification,
        title: title.to_owned(),
        detail: None,
        outcome,
        data: None,
    })
}

/// Whether an entry about a notification is about somebody being told: an escalation policy that took a message told
/// nobody yet.
fn reaches(row: &LedgerRow) -> bool {
    row.data["integration"] != Integration::ON_CALL
}

/// The answer in one sentence.
fn verdict(alert: &Alert, rows: &[LedgerRow]) -> String {
    let receivers = |kind: &str| {
        let names =
            rows.iter().filter(|row| row.kind == kind && reaches(row)).filter_map(|row| row.data["receiver"].as_str());
        let mut names: Vec<&str> = names.map(words::whom).collect();
        names.sort_unstable();
        names.dedup();
        names.join(", ")
    };
    let delivered = receivers("notification.delivered");
    if !delivered.is_empty() {
        return format!("{} was told to {delivered}.", alert.name);
    }
    let failed = receivers("notification.failed");
    if !failed.is_empty() {
        return format!("{} could NOT be delivered to {failed}.", alert.name);
    }
    if let Some(muted) = rows.iter().rev().find(|row| row.kind == "alert.silenced" || row.kind == "alert.inhibited") {
        let how = if muted.kind == "alert.silenced" { "silenced" } else { "inhibited by another alert" };
        return format!("Nobody was told of {}, because it is {how}.", alert.name);
    }
    if let Some(row) = rows.iter().rev().find(|row| row.kind == "alert.not_told") {
        return format!(
            "Nobody was told of {}: {}.",
            alert.name,
            row.data["reason"].as_str().unwrap_or("see the steps")
        );
    }
    if let Some(row) = rows.iter().rev().find(|row| row.kind == "page.not_sent") {
        let reason = row.data["reason"].as_str().unwrap_or("see the steps");
        return format!("Nobody was called for {}: {reason}.", alert.name);
    }
    let intended = receivers("notification.intended");
    if intended.is_empty() {
        format!("Nobody was told of {} so far.", alert.name)
    } else {
        format!("{} is on its way to {intended}.", alert.name)
    }
}
