//! Building label sets: caps, OpenTelemetry names turned into Prometheus ones, collisions.
//!
//! Not the rules of metric names: `otlp::naming` has those.

use std::collections::HashMap;
use std::sync::Arc;

use watchkeeper_domain::Labels;

use crate::error::cut;
use crate::limits::Limits;

/// Shares equal texts within one request: the same few label names and values come with every series.
#[derive(Default)]
pub(crate) struct Interner(HashMap<Arc<str>, ()>);

impl Interner {
    /// The shared copy of a text.
    pub(crate) fn get(&mut self, text: &str) -> Arc<str> {
        if let Some((shared, ())) = self.0.get_key_value(text) {
            return Arc::clone(shared);
        }
        let shared: Arc<str> = Arc::from(text);
        self.0.insert(Arc::clone(&shared), ());
        shared
    }
}

/// Turns pairs into a label set, or says which cap they break. Names are unique already.
pub(crate) fn build(pairs: Vec<(Arc<str>, Arc<str>)>, limits: &Limits) -> Result<Labels, String> {
    if pairs.len() > limits.labels {
        return Err(format!("it has {} labels, the limit is {}", pairs.len(), limits.labels));
    }
    for (name, value) in &pairs {
        if name.len() > limits.label_name_bytes {
            return Err(format!(
                "the label name `{}…` has {} bytes, the limit is {}",
                cut(name),
                name.len(),
                limits.label_name_bytes
            ));
        }
        if value.len() > limits.label_value_bytes {
            return Err(format!(
                "the value of label `{}` has {} bytes, the limit is {}",
                cut(name),
                value.len(),
                limits.label_value_bytes
            ));
        }
    }
    Ok(Labels::from_pairs(pairs))
}

/// An attribute's key as a Prometheus label name: what is not a letter, digit or underscore becomes an underscore.
/// A leading digit gets `key_` in front, and so do names that begin with two underscores, which Prometheus keeps for itself.
pub(crate) fn escape_name(key: &str) -> String {
    let mut name = escape_rest(key);
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert_str(0, "key_");
    } else if name.starts_with("__") {
        name.insert_str(0, "key");
    }
    name
}

/// The same for a key that stands behind a prefix, where a digit or an underscore may come first.
pub(crate) fn escape_rest(key: &str) -> String {
    key.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}
