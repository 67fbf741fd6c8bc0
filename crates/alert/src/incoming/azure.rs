//! Azure Monitor's common alert schema: all kinds of alert that an action group sends.
//!
//! Not the older schemas: a body without `schemaId` is refused with the switch that turns the common one on.
//! Source: Microsoft's "Common alert schema" and its payload samples. Fired and Resolved of one instance carry the same
//! `alertId`, which is therefore the key, whatever it looks like.

mod context;

use serde_json::Value;
use watchkeeper_domain::{Category, Priority};

use super::pick::{first, list, text, time};
use super::{Act, Incoming, Outcome, Refused, one};

pub(super) fn decode(body: &Value) -> Outcome {
    if text(body, "/schemaId").as_deref() != Some("azureMonitorCommonAlertSchema") {
        return Err(Refused::new(
            "this is not the common alert schema; set \"Enable the common alert schema\" in the action group",
        ));
    }
    let of = |name: &str| text(body, &format!("/data/essentials/{name}"));
    let service =
        of("monitoringService").ok_or_else(|| Refused::new("`data.essentials.monitoringService` is missing"))?;
    let condition = of("monitorCondition").unwrap_or_else(|| "Fired".to_owned());
    let act = match condition.as_str() {
        "Fired" => Act::Fire,
        "Resolved" => Act::Resolve,
        other => return Err(Refused(format!("the monitor condition `{other}` is unknown; known: Fired, Resolved"))),
    };
    let key = of("alertId")
        .or_else(|| of("originAlertId"))
        .ok_or_else(|| Refused::new("`data.essentials.alertId` is missing, so its end could not be found"))?;
    let null = Value::Null;
    let context = body.pointer("/data/alertContext").unwrap_or(&null);
    let name = of("alertRule").or_else(|| text(context, "/AlertData/BudgetName")).unwrap_or_else(|| service.clone());
    let mut incoming = Incoming::new(act, key, name);
    incoming.priority = Some(of("severity").and_then(|word| word.parse().ok()).unwrap_or(Priority::Medium));
    incoming.starts_at = time(body, "/data/essentials/firedDateTime");
    incoming.ends_at = time(body, "/data/essentials/resolvedDateTime");
    incoming.url = of("investigationLink").unwrap_or_default();
    incoming.note("description", of("description"));
    incoming.label("monitoring_service", Some(service.clone()));
    incoming.label("signal_type", of("signalType").map(|kind| kind.replace(' ', "")));
    incoming.label("resource_group", of("targetResourceGroup"));
    let target = list(body, "/data/essentials/alertTargetIDs").first().and_then(super::pick::as_text);
    incoming.label("resource", target.clone());
    let item = list(body, "/data/essentials/configurationItems").first().and_then(super::pick::as_text);
    incoming.service = item.or_else(|| target.as_deref().and_then(last).map(str::to_owned));
    let kind = of("targetResourceType").or_else(|| target.as_deref().and_then(resource_type));
    incoming.label("resource_type", kind.clone());
    incoming.category = Some(category(&service, kind.as_deref().unwrap_or_default()));
    context::read(&service, context, &mut incoming);
    let custom = [body.pointer("/data/customProperties"), context.get("properties")];
    for (name, value) in custom.into_iter().flatten().filter_map(Value::as_object).flatten().take(32) {
        if let (Some(value), false) =
            (super::pick::as_text(value), reserved(name) || incoming.labels.contains_key(name))
        {
            incoming.annotations.entry(name.clone()).or_insert(value);
        }
    }
    if incoming.service.is_none() {
        incoming.service = first(context, &["/AlertData/Scope"]);
    }
    one(incoming)
}

/// Names that have a meaning as annotations.
fn reserved(name: &str) -> bool {
    matches!(name, "summary" | "description" | "runbook_url" | "dashboard_url" | "impact")
}

/// The resource's own name.
fn last(id: &str) -> Option<&str> {
    id.trim_end_matches('/').rsplit('/').next().filter(|name| !name.is_empty())
}

/// `microsoft.compute/virtualmachines` of an ARM id.
fn resource_type(id: &str) -> Option<String> {
    let lower = id.to_ascii_lowercase();
    let (_, rest) = lower.rsplit_once("/providers/")?;
    let mut parts = rest.split('/');
    Some(format!("{}/{}", parts.next()?, parts.next()?))
}

fn category(service: &str, resource_type: &str) -> Category {
    let kind = resource_type.to_ascii_lowercase();
    let of = |word: &str| kind.contains(word);
    match service {
        "Activity Log - Security" => Category::Security,
        "CostAlerts" => Category::Business,
        _ if of("keyvault") => Category::Keyvault,
        _ if of("containerregistry") => Category::Registry,
        _ if of("microsoft.sql") || of("dbfor") || of("documentdb") || of("microsoft.cache") => Category::Database,
        _ if of("microsoft.insights") || of("microsoft.web") || of("microsoft.app/") => Category::Application,
        "Application Insights" | "SmartDetector" | "Prometheus" => Category::Application,
        "Platform" | "ServiceHealth" | "Resource Health" | "ResourceHealth" | "VM Insights" => Category::Resource,
        _ if service.starts_with("Activity Log") => Category::Resource,
        _ if !kind.is_empty() => Category::Resource,
        _ => Category::Application,
    }
}
