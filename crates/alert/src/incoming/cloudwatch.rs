//! CloudWatch's alarms, in an envelope of Amazon SNS or as they are (raw message delivery).
//!
//! Not the envelope's signature: that is checked before. Source: the CloudWatch alarm message and SNS's JSON formats.

use serde_json::Value;
use watchkeeper_domain::Category;

use super::pick::{cut, list, priority, text, time};
use super::{Act, Decoded, Incoming, Outcome, Refused, one};

/// What SNS sends around a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Envelope {
    /// A message.
    Notification,
    /// Somebody wants to deliver here; it must be confirmed at the URL.
    SubscriptionConfirmation,
    /// The subscription is over.
    UnsubscribeConfirmation,
    /// No envelope: raw message delivery.
    None,
}

impl Envelope {
    /// The kind of envelope of a body.
    #[must_use]
    pub fn of(body: &Value) -> Self {
        match (text(body, "/Type").as_deref(), text(body, "/TopicArn")) {
            (Some("Notification"), Some(_)) => Self::Notification,
            (Some("SubscriptionConfirmation"), Some(_)) => Self::SubscriptionConfirmation,
            (Some("UnsubscribeConfirmation"), Some(_)) => Self::UnsubscribeConfirmation,
            _ => Self::None,
        }
    }
}

pub(super) fn decode(body: &Value) -> Outcome {
    match Envelope::of(body) {
        Envelope::SubscriptionConfirmation => return Ok(Decoded::Nothing("a subscription to confirm".to_owned())),
        Envelope::UnsubscribeConfirmation => return Ok(Decoded::Nothing("a subscription that is over".to_owned())),
        Envelope::Notification | Envelope::None => {}
    }
    match body.get("Message") {
        Some(Value::String(message)) => {
            let inner: Value = serde_json::from_str(message)
                .map_err(|_| Refused::new("the message in the envelope is not the JSON of a CloudWatch alarm"))?;
            alarm(&inner)
        }
        Some(inner) => alarm(inner),
        None => alarm(body),
    }
}

fn alarm(alarm: &Value) -> Outcome {
    let name = text(alarm, "/AlarmName").ok_or_else(|| Refused::new("this is no CloudWatch alarm: no `AlarmName`"))?;
    // An alarm without a state is one that somebody sends by hand.
    let state = text(alarm, "/NewStateValue").unwrap_or_else(|| "ALARM".to_owned());
    let act = match state.as_str() {
        "ALARM" => Act::Fire,
        "OK" => Act::Resolve,
        // Unknown resolves nothing.
        "INSUFFICIENT_DATA" => {
            return Ok(Decoded::Nothing("nobody can tell: insufficient data changes nothing".to_owned()));
        }
        other => {
            return Err(Refused(format!(
                "the state `{}` is unknown; known: ALARM, OK, INSUFFICIENT_DATA",
                cut(other, 40)
            )));
        }
    };
    let region = text(alarm, "/Region");
    let key = text(alarm, "/AlarmArn").unwrap_or_else(|| format!("{}/{name}", region.clone().unwrap_or_default()));
    let mut incoming = Incoming::new(act, key, name);
    let of = |name: &str| text(alarm, &format!("/Trigger/{name}")).or_else(|| text(alarm, &format!("/{name}")));
    let namespace = of("Namespace");
    incoming.category = namespace.as_deref().map(category);
    incoming.priority = of("Priority").as_deref().and_then(priority).or_else(|| {
        // People write the urgency into the description, as Amazon's examples do.
        let description = text(alarm, "/AlarmDescription")?.to_ascii_lowercase();
        ["critical", "high", "low"]
            .iter()
            .find(|word| description.split(|c: char| !c.is_alphanumeric()).any(|w| w == **word))
            .and_then(|word| word.parse().ok())
    });
    incoming.label("region", region);
    incoming.label("account", text(alarm, "/AWSAccountId"));
    incoming.label("namespace", namespace);
    incoming.label("metric", of("MetricName"));
    for dimension in list(alarm, "/Trigger/Dimensions").iter().take(30) {
        if let Some(name) = text(dimension, "/name").or_else(|| text(dimension, "/Name")) {
            let value = text(dimension, "/value").or_else(|| text(dimension, "/Value"));
            incoming.service = incoming.service.take().or_else(|| value.clone());
            incoming.label(&name, value);
        }
    }
    incoming.service = text(alarm, "/Application").or(incoming.service.take());
    incoming.note("summary", text(alarm, "/NewStateReason"));
    incoming.note("description", text(alarm, "/AlarmDescription"));
    incoming.starts_at = time(alarm, "/StateChangeTime");
    if act == Act::Resolve {
        incoming.ends_at = incoming.starts_at.take();
    }
    one(incoming)
}

fn category(namespace: &str) -> Category {
    match namespace {
        "AWS/RDS" | "AWS/DynamoDB" | "AWS/ElastiCache" | "AWS/Redshift" | "AWS/DocDB" | "AWS/Neptune" => {
            Category::Database
        }
        "AWS/ECR" => Category::Registry,
        "AWS/KMS" | "AWS/SecretsManager" => Category::Keyvault,
        "AWS/GuardDuty" | "AWS/WAFV2" | "CloudTrailMetrics" => Category::Security,
        "AWS/Lambda" | "AWS/ApiGateway" | "AWS/ApplicationELB" | "AWS/ELB" | "AWS/CloudFront" | "AWS/Route53" => {
            Category::Application
        }
        "AWS/Billing" => Category::Business,
        _ if namespace.starts_with("AWS/") => Category::Resource,
        _ => Category::Application,
    }
}
