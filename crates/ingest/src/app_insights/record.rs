//! Traces, exceptions, events and page views: log records.
//!
//! Not spans: an exception names the span in which it happened and stays a record of its own, as in Azure.

use std::sync::Arc;

use serde_json::Value;
use watchkeeper_domain::telemetry::{Attributes, LogRecord};

use super::Mapping;
use super::envelope::{Envelope, number};
use super::field::{Fields, MESSAGE, NAME, head, required};

/// The most exceptions of a chain, and frames of a stack, that are kept.
const EXCEPTIONS: usize = 10;
const FRAMES: usize = 200;

/// Azure's five levels, as OpenTelemetry's numbers.
const LEVELS: [(&str, u8); 5] = [("Verbose", 5), ("Information", 9), ("Warning", 13), ("Error", 17), ("Critical", 21)];

/// The severity level, a number or a word, with the word that Azure has for it.
fn level(data: Fields<'_>) -> Option<(&'static str, u8)> {
    let text = data.text("severityLevel", NAME)?;
    let by_number = text.parse::<f64>().ok().filter(|n| n.fract() == 0.0 && (0.0..5.0).contains(n));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 4 by the check above")]
    by_number.map_or_else(
        || LEVELS.iter().find(|(word, _)| word.eq_ignore_ascii_case(&text)).copied(),
        |n| LEVELS.get(n as usize).copied(),
    )
}

impl Mapping<'_> {
    pub(super) fn message(&mut self, envelope: &Envelope) -> Result<(), String> {
        let data = envelope.data();
        let body = data.text("message", MESSAGE).ok_or_else(|| required("message", "MessageData", "string"))?;
        let attributes = self.attributes(envelope, "trace");
        self.log(envelope, level(data), body, attributes);
        Ok(())
    }

    pub(super) fn exception(&mut self, envelope: &Envelope) -> Result<(), String> {
        const OF: &str = "ExceptionData";
        let data = envelope.data();
        let chain: Vec<Fields<'_>> =
            data.list("exceptions").iter().take(EXCEPTIONS).map(|e| Fields::of(Some(e))).collect();
        let first =
            chain.first().copied().filter(|e| e.0.is_some()).ok_or_else(|| required("exceptions", OF, "list"))?;
        let kind = first.text("typeName", NAME);
        let message = first.text("message", MESSAGE);
        if message.is_none() && kind.is_none() {
            return Err(required("message", "ExceptionDetails", "string"));
        }
        let body = match (&kind, &message) {
            (Some(kind), Some(message)) => format!("{kind}: {message}"),
            (one, other) => one.clone().or_else(|| other.clone()).unwrap_or_default(),
        };
        let mut attributes = self.attributes(envelope, "exception");
        self.put(&mut attributes, "exception.type", kind.clone());
        self.put(&mut attributes, "exception.message", message);
        self.put(&mut attributes, "exception.stacktrace", stack(first));
        self.put(&mut attributes, "azure.problem_id", data.text("problemId", NAME));
        if chain.len() > 1 {
            let inner = chain.iter().skip(1).map(|e| {
                serde_json::json!({"type": e.text("typeName", NAME), "message": e.text("message", NAME), "stack": stack(*e)})
            });
            let inner: Vec<Value> = inner.collect();
            self.put(&mut attributes, "azure.inner_exceptions", Some(inner));
        }
        self.counts.exception(envelope, kind.as_deref().unwrap_or_default());
        self.log(envelope, level(data).or(Some(LEVELS[3])), body, attributes);
        Ok(())
    }

    pub(super) fn event(&mut self, envelope: &Envelope) -> Result<(), String> {
        let name = envelope.data().text("name", NAME).ok_or_else(|| required("name", "EventData", "string"))?;
        let mut attributes = self.attributes(envelope, "customEvent");
        self.put(&mut attributes, "event.name", Some(name.as_str()));
        self.log(envelope, Some(LEVELS[1]), name, attributes);
        Ok(())
    }

    pub(super) fn page_view(&mut self, envelope: &Envelope) -> Result<(), String> {
        const OF: &str = "PageViewData";
        let data = envelope.data();
        let took = envelope.duration("duration", OF)?;
        let (name, attributes) = self.viewed(envelope, OF, "pageView", took)?;
        self.counts.page_view(envelope, took);
        self.log(envelope, level(data).or(Some(LEVELS[1])), name, attributes);
        Ok(())
    }

    pub(super) fn page_view_performance(&mut self, envelope: &Envelope) -> Result<(), String> {
        const OF: &str = "PageViewPerfData";
        const PHASES: [(&str, &str); 5] = [
            ("perfTotal", "azure.total_ms"),
            ("networkConnect", "azure.network_ms"),
            ("sentRequest", "azure.send_ms"),
            ("receivedResponse", "azure.receive_ms"),
            ("domProcessing", "azure.processing_ms"),
        ];
        let total = envelope.duration("perfTotal", OF)?;
        let took = envelope.duration("duration", OF)?.or(total);
        let (name, mut attributes) = self.viewed(envelope, OF, "browserTiming", took)?;
        for (field, attribute) in PHASES {
            let phase = envelope.duration(field, OF)?.map(milliseconds);
            self.put(&mut attributes, attribute, phase);
        }
        if let Some(total) = total {
            self.counts.browser_timing(envelope, total);
        }
        self.log(envelope, Some(LEVELS[1]), name, attributes);
        Ok(())
    }

    fn viewed(
        &mut self,
        envelope: &Envelope,
        of: &str,
        kind: &str,
        took: Option<u64>,
    ) -> Result<(String, Attributes), String> {
        let data = envelope.data();
        let url = data.text("url", 2_048);
        let name = data.text("name", NAME).or_else(|| url.clone()).ok_or_else(|| required("name", of, "string"))?;
        let mut attributes = self.attributes(envelope, kind);
        self.put(&mut attributes, "url.full", url);
        self.put(&mut attributes, "azure.id", data.text("id", 512));
        self.put(&mut attributes, "azure.duration_ms", took.map(milliseconds));
        self.put(
            &mut attributes,
            "azure.referred_uri",
            data.text("referredUri", 2_048).or_else(|| data.text("refUri", 2_048)),
        );
        Ok((name, attributes))
    }

    fn log(&mut self, envelope: &Envelope, level: Option<(&str, u8)>, body: String, attributes: Attributes) {
        let (word, severity) = level.unwrap_or_default();
        let resource = self.resource(envelope);
        self.batch.logs.push(LogRecord {
            t_ns: envelope.t_ns,
            severity,
            severity_text: self.interner.get(word),
            body,
            service: self.interner.get(&envelope.service()),
            trace_id: envelope.trace_id(),
            span_id: envelope.parent_id(),
            attributes,
            resource: Arc::clone(&resource),
        });
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds to look at")]
fn milliseconds(nanos: u64) -> Value {
    number(nanos as f64 / 1e6)
}

/// The stack as it was written, or put together from its frames.
fn stack(exception: Fields<'_>) -> Option<String> {
    exception.text("stack", MESSAGE).or_else(|| {
        let mut text = String::new();
        for frame in exception.list("parsedStack").iter().take(FRAMES).map(|f| Fields::of(Some(f))) {
            let method = frame.text("method", NAME).unwrap_or_default();
            text.push_str("   at ");
            text.push_str(&method);
            if let Some(file) = frame.text("fileName", NAME) {
                text.push_str(" in ");
                text.push_str(&file);
                if let Some(line) = frame.number("line").filter(|line| *line > 0.0) {
                    text.push_str(&format!(":{line}"));
                }
            }
            text.push('\n');
        }
        (!text.is_empty()).then(|| head(&text, MESSAGE))
    })
}
