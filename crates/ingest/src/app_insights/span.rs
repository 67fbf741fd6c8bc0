//! Requests, dependencies and availability results: spans.
//!
//! Not their counting: `standard` does that with what is found out here.

use std::sync::Arc;

use serde_json::Value;
use watchkeeper_domain::telemetry::{Attributes, SpanRecord};

use super::Mapping;
use super::envelope::Envelope;
use super::field::{Fields, NAME, PROPERTY, required};
use super::id;
use super::standard::{Availability, Dependency, Request};

/// The most bytes of a URL, of an id.
const URL: usize = 2_048;
const ID: usize = 512;

/// What the three kinds of span have in common.
struct Common {
    kind: &'static str,
    name: String,
    duration_ns: u64,
    failed: bool,
    attributes: Attributes,
}

impl Mapping<'_> {
    pub(super) fn request(&mut self, envelope: &Envelope, digest: &[u8; 32]) -> Result<(), String> {
        const OF: &str = "RequestData";
        let data = envelope.data();
        let code = data.text("responseCode", NAME).unwrap_or_default();
        let duration_ns = envelope.duration("duration", OF)?.ok_or_else(|| required("duration", OF, "TimeSpan"))?;
        // As the service has it: what is not said follows from the code, and 401 asks for a login, which is no failure.
        let said = data.truth("success");
        let failed = !said.unwrap_or_else(|| code.parse::<u16>().map_or(true, |code| code < 400 || code == 401));
        let url = data.text("url", URL);
        let name = data.text("name", NAME).or_else(|| envelope.tag("ai.operation.name")).or_else(|| url.clone());
        let name = name.unwrap_or_default();
        let mut attributes = self.attributes(envelope, "request");
        self.outcome(&mut attributes, data, &code, !failed);
        self.put(&mut attributes, "azure.source", data.text("source", NAME));
        self.put(&mut attributes, "url.full", url);
        self.counts.request(envelope, &Request { code: &code, failed, seconds: seconds(duration_ns) });
        self.span(envelope, digest, Common { kind: "server", name, duration_ns, failed, attributes })
    }

    pub(super) fn dependency(&mut self, envelope: &Envelope, digest: &[u8; 32]) -> Result<(), String> {
        const OF: &str = "RemoteDependencyData";
        let data = envelope.data();
        let kind = data.text("type", NAME).unwrap_or_default();
        let code = data.text("resultCode", NAME).unwrap_or_default();
        let duration_ns = envelope.duration("duration", OF)?.unwrap_or(0);
        // The web SDK's words for a call over HTTP are those of the browser's ways to make one.
        let http = ["http", "ajax", "fetch"].iter().any(|word| kind.to_ascii_lowercase().starts_with(word));
        // Exporters of OpenTelemetry say success of a call that got a 503 whenever nobody set the span's status.
        let server_error = http && code.parse::<u16>().is_ok_and(|code| (500..600).contains(&code));
        let failed = !data.truth("success").unwrap_or(true) || server_error;
        let (target, statement) = (data.text("target", NAME), data.text("data", PROPERTY));
        let name = data.text("name", NAME).or_else(|| statement.clone()).or_else(|| target.clone());
        let name = name.ok_or_else(|| required("name", OF, "string"))?;
        let mut attributes = self.attributes(envelope, "dependency");
        self.outcome(&mut attributes, data, if http { &code } else { "" }, !failed);
        self.put(&mut attributes, "azure.result_code", Some(code.as_str()).filter(|code| !code.is_empty()));
        self.put(&mut attributes, "azure.dependency_type", Some(kind.as_str()).filter(|kind| !kind.is_empty()));
        self.put(&mut attributes, "azure.target", target.as_deref());
        if http && statement.as_deref().is_some_and(|text| text.starts_with("http")) {
            self.put(&mut attributes, "url.full", statement.as_deref());
        }
        if kind.to_ascii_lowercase().contains("sql") {
            self.put(&mut attributes, "db.query.text", statement.as_deref());
        }
        self.put(&mut attributes, "azure.data", statement);
        self.counts.dependency(
            envelope,
            &Dependency { kind: &kind, target: target.as_deref(), code: &code, failed, seconds: seconds(duration_ns) },
        );
        let span_kind = match kind.split(" | ").next().unwrap_or_default() {
            "InProc" => "internal",
            "Queue Message" => "producer",
            _ => "client",
        };
        self.span(envelope, digest, Common { kind: span_kind, name, duration_ns, failed, attributes })
    }

    pub(super) fn availability(&mut self, envelope: &Envelope, index: usize, digest: &[u8; 32]) -> Result<(), String> {
        const OF: &str = "AvailabilityData";
        let data = envelope.data();
        let name = data.text("name", NAME).ok_or_else(|| required("name", OF, "string"))?;
        let duration_ns = envelope.duration("duration", OF)?.ok_or_else(|| required("duration", OF, "TimeSpan"))?;
        let success = data.truth("success").ok_or_else(|| required("success", OF, "bool"))?;
        let location = data.text("runLocation", NAME);
        let mut attributes = self.attributes(envelope, "availabilityResult");
        self.put(&mut attributes, "azure.success", Some(success));
        self.put(&mut attributes, "azure.location", location.as_deref());
        self.put(&mut attributes, "azure.message", data.text("message", PROPERTY));
        self.put(&mut attributes, "azure.size", data.number("size"));
        let seconds = seconds(duration_ns);
        let result = Availability { name: &name, location: location.as_deref(), success, seconds };
        self.series.availability(envelope, index, &result, self.limits)?;
        self.span(envelope, digest, Common { kind: "client", name, duration_ns, failed: !success, attributes })
    }

    fn outcome(&mut self, attributes: &mut Attributes, data: Fields<'_>, code: &str, success: bool) {
        self.put(attributes, "azure.success", data.truth("success").or(Some(success)));
        if let Some(status) = code.parse::<u16>().ok().filter(|code| (100..600).contains(code)) {
            self.put(attributes, "http.response.status_code", Some(status));
        } else if !code.is_empty() {
            self.put(attributes, "azure.result_code", Some(code));
        }
    }

    fn span(&mut self, envelope: &Envelope, digest: &[u8; 32], of: Common) -> Result<(), String> {
        let own = envelope.data().text("id", ID).unwrap_or_default();
        let (trace_id, span_id) = (envelope.trace_id(), id::span(&own));
        let mut attributes = of.attributes;
        if !own.is_empty() && own != span_id {
            self.put(&mut attributes, "azure.id", Some(own));
        }
        // Outside of an operation an item is a trace of its own.
        let trace_id = if trace_id.is_empty() { id::made(digest, 16) } else { trace_id };
        let span_id = if span_id.is_empty() { id::made(digest, 8) } else { span_id };
        let parent_span_id = Some(envelope.parent_id()).filter(|parent| *parent != span_id).unwrap_or_default();
        let resource = self.resource(envelope);
        let span = SpanRecord {
            trace_id,
            span_id,
            parent_span_id,
            name: self.interner.get(&of.name),
            kind: self.interner.get(of.kind),
            service: self.interner.get(&envelope.service()),
            start_ns: envelope.t_ns,
            end_ns: envelope.t_ns.saturating_add(of.duration_ns),
            status: self.interner.get(if of.failed { "error" } else { "unset" }),
            status_message: match attributes.iter().find(|(key, _)| of.failed && key.as_ref() == "azure.message") {
                Some((_, Value::String(text))) => text.clone(),
                _ => String::new(),
            },
            attributes,
            events: Vec::new(),
            links: Vec::new(),
            resource: Arc::clone(&resource),
        };
        self.batch.spans.push(span);
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "a duration in seconds for a histogram")]
fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}
