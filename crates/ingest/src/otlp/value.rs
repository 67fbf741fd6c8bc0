//! Attribute values: as JSON for logs and spans, as text for labels.
//!
//! Not a copy of protobuf's types: bytes become base64 text, maps become objects.

use std::fmt::Write;
use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value as Any};
use serde_json::Value;
use watchkeeper_domain::telemetry::Attributes;

use crate::label::Interner;

/// Values nested deeper than this are cut: the caps on a body come before, this one bounds the recursion here.
const DEPTH: usize = 32;

/// A value as JSON. Numbers that JSON cannot write (NaN, infinities) become text.
pub(super) fn to_json(value: Option<AnyValue>) -> Value {
    nested(value, 0)
}

fn nested(value: Option<AnyValue>, depth: usize) -> Value {
    if depth > DEPTH {
        return Value::String("…".to_owned());
    }
    match value.and_then(|v| v.value) {
        None => Value::Null,
        Some(Any::StringValue(s)) => Value::String(s),
        Some(Any::BoolValue(b)) => Value::Bool(b),
        Some(Any::IntValue(i)) => Value::from(i),
        Some(Any::StringValueStrindex(i)) => Value::from(i),
        Some(Any::DoubleValue(d)) => {
            serde_json::Number::from_f64(d).map_or_else(|| Value::String(d.to_string()), Value::Number)
        }
        Some(Any::ArrayValue(list)) => {
            Value::Array(list.values.into_iter().map(|v| nested(Some(v), depth + 1)).collect())
        }
        Some(Any::KvlistValue(map)) => {
            Value::Object(map.values.into_iter().map(|kv| (kv.key, nested(kv.value, depth + 1))).collect())
        }
        Some(Any::BytesValue(bytes)) => Value::String(base64(&bytes)),
    }
}

/// Attributes as the data model has them: order kept, values as JSON.
pub(super) fn attributes(list: Vec<KeyValue>, interner: &mut Interner) -> Attributes {
    list.into_iter().map(|kv| (interner.get(&kv.key), to_json(kv.value))).collect()
}

/// What a scope says of each of its records: `otel.scope.name`, `otel.scope.version`, and its own attributes as they are.
pub(super) fn scope(scope: Option<InstrumentationScope>, interner: &mut Interner) -> Attributes {
    let Some(scope) = scope else { return Attributes::new() };
    let mut out = Attributes::new();
    for (key, text) in [("otel.scope.name", scope.name), ("otel.scope.version", scope.version)] {
        if !text.is_empty() {
            out.push((interner.get(key), Value::String(text)));
        }
    }
    out.extend(attributes(scope.attributes, interner));
    out
}

/// A value as a label's text: strings bare, everything else as JSON.
pub(super) fn to_text(value: Option<&AnyValue>) -> String {
    match value.and_then(|v| v.value.as_ref()) {
        None => String::new(),
        Some(Any::StringValue(s)) => s.clone(),
        Some(Any::BoolValue(b)) => b.to_string(),
        Some(Any::IntValue(i)) => i.to_string(),
        Some(_) => match to_json(value.cloned()) {
            Value::String(s) => s,
            json => json.to_string(),
        },
    }
}

/// The text of a resource attribute, if it is there and not empty.
pub(super) fn find(list: &[KeyValue], key: &str) -> Option<Arc<str>> {
    list.iter()
        .find(|kv| kv.key == key)
        .map(|kv| to_text(kv.value.as_ref()))
        .filter(|text| !text.is_empty())
        .map(Arc::from)
}

/// Lower-case hexadecimal; empty for an id that is absent or all zeros, which the specification calls invalid.
pub(super) fn hex(id: &[u8]) -> String {
    if id.iter().all(|b| *b == 0) {
        return String::new();
    }
    id.iter().fold(String::with_capacity(id.len() * 2), |mut out, byte| {
        // Writing to a String cannot fail.
        let _infallible = write!(out, "{byte:02x}");
        out
    })
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().enumerate().fold(0_u32, |word, (at, byte)| word | u32::from(*byte) << (16 - 8 * at));
        for digit in 0..4 {
            let at = (word >> (18 - 6 * digit)) as usize & 63;
            out.push(if digit <= chunk.len() { char::from(DIGITS[at]) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_as_rfc_4648_says() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn an_id_of_zeros_is_no_id() {
        assert_eq!(hex(&[0; 8]), "");
        assert_eq!(hex(&[0x0a, 0xff]), "0aff");
    }
}
