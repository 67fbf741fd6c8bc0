//! GitHub: what fails (checks, workflows, deployments) and what is found (code scanning, secrets, vulnerable dependencies).
//!
//! Not the daily work of a repository: pushes, issues and reviews are answered with thanks, because GitHub counts refusals.
//! Source: GitHub's "Webhook events and payloads".

use serde_json::Value;
use watchkeeper_domain::{Category, Priority};

use super::pick::{cut, first, priority, text, time};
use super::{Act, Decoded, Incoming, Outcome, one};

/// `event` is the header `X-GitHub-Event`; without it the body shows what it is.
pub(super) fn decode(event: Option<&str>, body: &Value) -> Outcome {
    let has = |name: &str| body.get(name).is_some();
    let event = event.unwrap_or_else(|| match () {
        () if has("workflow_run") && has("workflow") => "workflow_run",
        () if has("workflow_job") => "workflow_job",
        () if has("check_run") => "check_run",
        () if has("check_suite") => "check_suite",
        () if has("deployment_status") => "deployment_status",
        () if has("deployment") => "deployment",
        () if has("alert") && has("commit_oid") => "code_scanning_alert",
        () if body.pointer("/alert/secret_type").is_some() => "secret_scanning_alert",
        () if body.pointer("/alert/security_advisory").is_some() => "dependabot_alert",
        () if body.pointer("/alert/affected_package_name").is_some() => "repository_vulnerability_alert",
        () => "",
    });
    match event {
        "workflow_run" | "check_run" | "check_suite" => finished(event, body),
        "deployment" | "deployment_status" => deployment(body),
        "code_scanning_alert" | "secret_scanning_alert" | "dependabot_alert" | "repository_vulnerability_alert" => {
            found(event, body)
        }
        "ping" => Ok(Decoded::Nothing("a ping".to_owned())),
        "" => Ok(Decoded::Nothing("this event tells of nothing that is wrong".to_owned())),
        other => Ok(Decoded::Nothing(format!("`{}` tells of nothing that is wrong", cut(other, 40)))),
    }
}

fn repository(body: &Value) -> String {
    first(body, &["/repository/full_name", "/repository/name"]).unwrap_or_else(|| "unknown".to_owned())
}

fn incoming(act: Act, key: String, name: String, body: &Value) -> Incoming {
    let mut incoming = Incoming::new(act, key, name);
    incoming.service = text(body, "/repository/name");
    incoming.label("repository", text(body, "/repository/full_name"));
    incoming
}

/// A check or a workflow run. Only the default branch is everybody's concern.
fn finished(event: &str, body: &Value) -> Outcome {
    let null = Value::Null;
    let run = body.get(event).unwrap_or(&null);
    if text(body, "/action").is_some_and(|action| action != "completed") {
        return Ok(Decoded::Nothing("it has not been completed".to_owned()));
    }
    let branch = first(run, &["/head_branch", "/check_suite/head_branch"]);
    let default = first(body, &["/repository/default_branch", "/repository/master_branch"]);
    if let (Some(branch), Some(default)) = (&branch, &default)
        && branch != default
    {
        return Ok(Decoded::Nothing(format!("`{}` is not the default branch", cut(branch, 80))));
    }
    let act = match text(run, "/conclusion").as_deref() {
        Some("failure" | "timed_out" | "startup_failure") => Act::Fire,
        Some("success") => Act::Resolve,
        other => {
            let other = other.map_or_else(|| "still running".to_owned(), |word| format!("`{}`", cut(word, 40)));
            return Ok(Decoded::Nothing(format!("{other} is neither failed nor successful")));
        }
    };
    let name = first(run, &["/name", "/app/name", "/app/slug"]).unwrap_or_else(|| event.replace('_', " "));
    let repository = repository(body);
    let key = format!("{event}/{repository}/{}/{name}", branch.clone().unwrap_or_default());
    let mut incoming = incoming(act, key, format!("{name} failed"), body);
    incoming.category = Some(Category::Application);
    incoming.priority = Some(Priority::Medium);
    incoming.label("branch", branch.clone());
    let on = branch.map(|branch| format!(" on {branch}")).unwrap_or_default();
    let how = text(run, "/conclusion").unwrap_or_default();
    incoming.note("summary", Some(format!("{name} of {repository}{on}: {how}")));
    incoming.note("commit", first(run, &["/head_sha", "/head_commit/id"]));
    incoming.url = first(run, &["/html_url", "/details_url", "/url"]).unwrap_or_default();
    incoming.starts_at = first(run, &["/completed_at"]).and_then(|_| time(run, "/completed_at"));
    one(incoming)
}

fn deployment(body: &Value) -> Outcome {
    let state = first(body, &["/deployment_status/state", "/deployment/state"]);
    let act = match state.as_deref() {
        Some("failure" | "error") => Act::Fire,
        Some("success") => Act::Resolve,
        _ => return Ok(Decoded::Nothing("the deployment has neither failed nor succeeded".to_owned())),
    };
    let environment = first(body, &["/deployment_status/environment", "/deployment/environment"]).unwrap_or_default();
    let repository = repository(body);
    let key = format!("deployment/{repository}/{environment}");
    let mut incoming = incoming(act, key, format!("Deployment to {environment} failed"), body);
    incoming.category = Some(Category::Application);
    incoming.priority = Some(Priority::High);
    incoming.label("environment", Some(environment.clone()));
    incoming.note("summary", Some(format!("{repository} to {environment}: {}", state.unwrap_or_default())));
    incoming.note("description", first(body, &["/deployment_status/description", "/deployment/description"]));
    incoming.note("commit", text(body, "/deployment/sha"));
    incoming.url = first(body, &["/deployment_status/log_url", "/deployment_status/target_url", "/deployment/url"])
        .unwrap_or_default();
    one(incoming)
}

/// Something that is a danger until somebody deals with it.
fn found(event: &str, body: &Value) -> Outcome {
    let null = Value::Null;
    let alert = body.get("alert").unwrap_or(&null);
    let action = text(body, "/action").unwrap_or_default();
    let act = match action.as_str() {
        "created" | "create" | "reopened" | "reopened_by_user" | "reintroduced" | "appeared_in_branch"
        | "auto_reopened" | "publicly_leaked" => Act::Fire,
        "fixed" | "closed_by_user" | "dismissed" | "dismiss" | "resolved" | "resolve" | "revoked"
        | "auto_dismissed" => Act::Resolve,
        other => return Ok(Decoded::Nothing(format!("`{}` changes nothing for an alert", cut(other, 40)))),
    };
    let repository = repository(body);
    let number = first(alert, &["/number", "/id"]).unwrap_or_default();
    let (kind, name) = match event {
        "code_scanning_alert" => ("Code scanning", first(alert, &["/rule/description", "/rule/name", "/rule/id"])),
        "secret_scanning_alert" => ("Secret", first(alert, &["/secret_type_display_name", "/secret_type"])),
        "dependabot_alert" => ("Dependency", first(alert, &["/security_advisory/summary", "/dependency/package/name"])),
        _ => ("Dependency", first(alert, &["/affected_package_name", "/external_identifier"])),
    };
    let name = name.unwrap_or_else(|| number.clone());
    let mut incoming = incoming(act, format!("{event}/{repository}/{number}"), format!("{kind}: {name}"), body);
    incoming.category = Some(Category::Security);
    let urgent = [
        "/rule/security_severity_level",
        "/security_advisory/severity",
        "/security_vulnerability/severity",
        "/severity",
        "/rule/severity",
    ];
    incoming.priority = match event {
        "secret_scanning_alert" => Some(Priority::High),
        _ => first(alert, &urgent).as_deref().and_then(priority).or(Some(Priority::Medium)),
    };
    incoming.note("summary", Some(format!("{name} in {repository}")));
    incoming.note(
        "description",
        first(alert, &["/rule/full_description", "/security_advisory/description", "/affected_range"]),
    );
    incoming.label("tool", text(alert, "/tool/name"));
    incoming.label("package", first(alert, &["/dependency/package/name", "/affected_package_name"]));
    incoming.label(
        "advisory",
        first(alert, &["/security_advisory/cve_id", "/security_advisory/ghsa_id", "/external_identifier", "/ghsa_id"]),
    );
    incoming.url = first(alert, &["/html_url", "/external_reference"]).unwrap_or_default();
    incoming.starts_at = time(alert, "/created_at");
    one(incoming)
}
