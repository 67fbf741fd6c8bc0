//! GitHub's webhooks about deployments: `deployment` and `deployment_status`.
//!
//! Not the alert about a deployment that failed: `alert::incoming` makes that of the same body. And not the signature.

use serde_json::{Value, json};

use super::{Kind, NewChange, Status};

/// Whether a body of this event is about a deployment.
#[must_use]
pub fn is_about_one(event: &str) -> bool {
    matches!(event, "deployment" | "deployment_status")
}

/// Reads a body. None: it changes nothing, for example that an older deployment is not the newest any more.
///
/// `service` is what the integration's labels say; without it the deployment's payload, then the repository's name counts.
#[must_use]
pub fn decode(source: &str, service: Option<&str>, body: &Value) -> Option<NewChange> {
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let status = match text("/deployment_status/state").as_str() {
        "" | "pending" | "queued" | "in_progress" | "waiting" => Status::Started,
        "success" => Status::Succeeded,
        "failure" | "error" => Status::Failed,
        _ => return None,
    };
    let id = body.pointer("/deployment/id").and_then(Value::as_u64)?;
    let repository = text("/repository/full_name");
    let kind = if text("/deployment/task").contains("config") { Kind::Config } else { Kind::Deploy };
    let mut change = NewChange::new(source, kind, status);
    change.key = Some(format!("deployment/{repository}/{id}"));
    change.service =
        [service.unwrap_or_default().to_owned(), text("/deployment/payload/service"), text("/repository/name")]
            .into_iter()
            .find(|name| !name.is_empty())
            .unwrap_or_default();
    change.environment = first([text("/deployment_status/environment"), text("/deployment/environment")]);
    let (sha, name) = (text("/deployment/sha"), text("/deployment/ref"));
    let short: String = sha.chars().take(12).collect();
    // A branch is no version; a tag is one.
    let is_tag = name.starts_with('v') && name.chars().nth(1).is_some_and(|c| c.is_ascii_digit());
    change.version = if is_tag { name.clone() } else { short };
    change.author = first([text("/deployment/creator/login"), text("/sender/login")]);
    let described = first([text("/deployment_status/description"), text("/deployment/description")]);
    change.summary = if described.is_empty() { format!("{repository} {name}").trim().to_owned() } else { described };
    change.url = first([text("/deployment_status/log_url"), text("/deployment_status/target_url"), {
        let page = text("/repository/html_url");
        if page.is_empty() { page } else { format!("{page}/deployments") }
    }]);
    let at = first([text("/deployment_status/created_at"), text("/deployment/created_at")]);
    change.at = at.parse().ok();
    change.details = json!({"repository": repository, "ref": name, "commit": sha});
    cap(&mut change);
    Some(change)
}

fn first<const N: usize>(texts: [String; N]) -> String {
    texts.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
}

/// Cuts what is longer than a change may be: GitHub's names are, and a change is worth more than its last letters.
pub(super) fn cap(change: &mut NewChange) {
    let cut = |text: &mut String, most: usize| {
        if text.len() > most {
            let end = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            text.truncate(end);
        }
    };
    for text in [&mut change.service, &mut change.environment, &mut change.version, &mut change.author] {
        cut(text, super::MOST_NAME);
    }
    if let Some(key) = &mut change.key {
        cut(key, super::MOST_NAME);
    }
    cut(&mut change.summary, super::MOST_SUMMARY);
    // Half of an address leads nowhere.
    if change.url.len() > super::MOST_SUMMARY {
        change.url.clear();
    }
    if change.details.to_string().len() > super::MOST_DETAILS {
        change.details = Value::Null;
    }
}
