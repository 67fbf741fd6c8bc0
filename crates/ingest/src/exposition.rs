//! What a scraped target answers: Prometheus's text format 0.0.4
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>) and OpenMetrics 1.0
//! (<https://prometheus.io/docs/specs/om/open_metrics_spec/>), with quoted UTF-8 names in both.
//!
//! Not protobuf, and not what a scrape makes of it: labels of the target, relabelling and staleness are `scrape`'s.
//! As with Prometheus, an exposition is taken whole or not at all: a line that cannot be read may be the half of a number.

mod line;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use watchkeeper_domain::telemetry::MetricMeta;

use crate::error::{DecodeError, cut};
use crate::label::Interner;
use crate::limits::Limits;
use line::{Fault, Line};

const WHAT: &str = "the exposition";

/// What a scraper asks for, best first.
pub const ACCEPT: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                          application/openmetrics-text;version=0.0.1;q=0.5,\
                          text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.1";

/// The format of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `text/plain`, version 0.0.4 or 1.0.0: times in milliseconds, no end mark.
    Text,
    /// `application/openmetrics-text`: times in seconds, `# EOF` at the end, exemplars, units.
    OpenMetrics,
}

impl Format {
    /// The format that an answer says it has. Without a content type, and for the types that exporters commonly send by
    /// mistake, it is the text format; what certainly is something else is refused by name.
    ///
    /// # Errors
    /// When the answer is protobuf, HTML, JSON or the like: a wrong path, or a login page.
    pub fn of(content_type: Option<&str>) -> Result<Self, DecodeError> {
        let given = content_type.unwrap_or("text/plain");
        let media_type = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match media_type.as_str() {
            "application/openmetrics-text" => Ok(Self::OpenMetrics),
            "" | "text/plain" | "application/octet-stream" => Ok(Self::Text),
            _ => Err(DecodeError::UnsupportedMediaType {
                given: cut(given),
                accepted: "text/plain (version 0.0.4) or application/openmetrics-text",
            }),
        }
    }
}

/// A name with a value, in the order of the text; `__name__` is among a sample's.
pub type Pairs = Vec<(Arc<str>, Arc<str>)>;

/// One sample as it was exposed.
#[derive(Debug, Clone, PartialEq)]
pub struct Exposed {
    /// Its labels, `__name__` first. No name comes twice.
    pub labels: Pairs,
    /// Its value. A NaN is the ordinary one: nobody can expose a stale marker.
    pub value: f64,
    /// Its time in milliseconds, when the target gave one.
    pub t: Option<i64>,
    /// A link to a trace.
    pub exemplar: Option<ExposedExemplar>,
}

/// An exemplar of OpenMetrics.
#[derive(Debug, Clone, PartialEq)]
pub struct ExposedExemplar {
    /// `trace_id`, `span_id` and what else there is.
    pub labels: Pairs,
    /// The measured value.
    pub value: f64,
    /// Milliseconds since the Unix epoch, when given.
    pub t: Option<i64>,
}

/// A whole exposition.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Exposition {
    /// The samples, in the order of the text.
    pub samples: Vec<Exposed>,
    /// What is said about metric families, by name.
    pub meta: Vec<MetricMeta>,
}

/// Reads an exposition.
///
/// # Errors
/// [`DecodeError::Malformed`] with line and column when a line cannot be read or OpenMetrics' end mark is missing, and
/// [`DecodeError::TooLarge`] when it has more samples than `limits.records`.
pub fn parse(body: &[u8], format: Format, limits: &Limits) -> Result<Exposition, DecodeError> {
    let text = std::str::from_utf8(body).map_err(|e| DecodeError::Malformed {
        what: WHAT,
        reason: format!("it is not UTF-8 at byte {}", e.valid_up_to()),
    })?;
    let mut interner = Interner::default();
    let mut samples = Vec::new();
    let mut meta: BTreeMap<Arc<str>, MetricMeta> = BTreeMap::new();
    let mut ended = false;
    for (number, line) in (1_usize..).zip(text.split('\n')) {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let malformed = |fault: Fault| DecodeError::Malformed {
            what: WHAT,
            reason: format!("line {number}, column {}: {}: `{}`", fault.column, fault.reason, cut(line)),
        };
        if ended {
            if line.is_empty() {
                continue;
            }
            return Err(malformed(Fault { column: 1, reason: "there is something after `# EOF`" }));
        }
        match line::read(line, format, &mut interner).map_err(malformed)? {
            Line::Nothing => {}
            Line::End => ended = true,
            Line::Sample(sample) => {
                if samples.len() == limits.records {
                    return Err(DecodeError::TooLarge {
                        what: "the number of samples of the exposition".to_owned(),
                        limit: limits.records.to_string(),
                    });
                }
                samples.push(sample);
            }
            Line::Help(name, help) => about(&mut meta, &name).help = help.into(),
            Line::Type(name, kind) => about(&mut meta, &name).kind = kind.into(),
            Line::Unit(name, unit) => about(&mut meta, &name).unit = unit.into(),
        }
    }
    if format == Format::OpenMetrics && !ended {
        return Err(DecodeError::Malformed {
            what: WHAT,
            reason: "it does not end with `# EOF`; it may have been cut off".to_owned(),
        });
    }
    Ok(Exposition { samples, meta: meta.into_values().collect() })
}

fn about<'m>(meta: &'m mut BTreeMap<Arc<str>, MetricMeta>, name: &Arc<str>) -> &'m mut MetricMeta {
    meta.entry(Arc::clone(name)).or_insert_with(|| MetricMeta {
        name: Arc::clone(name),
        kind: Arc::from("unknown"),
        unit: Arc::from(""),
        help: Arc::from(""),
    })
}
