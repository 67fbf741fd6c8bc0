//! Fields of an envelope, read with the leniency that its senders need: numbers in quotes, truths with a capital letter.
//!
//! Not which fields there are. Texts are cut to the lengths of the specification before they are kept.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// The most bytes of a property's value and of other texts, as the specification has them.
pub(super) const PROPERTY: usize = 8_192;
/// The most bytes of a message and of a stack.
pub(super) const MESSAGE: usize = 32_768;
/// The most bytes of a name.
pub(super) const NAME: usize = 1_024;

/// The fields of an object.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) Option<&'a Map<String, Value>>);

impl<'a> Fields<'a> {
    pub(super) fn of(value: Option<&'a Value>) -> Self {
        Self(value.and_then(Value::as_object))
    }

    pub(super) fn get(self, key: &str) -> Option<&'a Value> {
        self.0?.get(key).filter(|v| !v.is_null())
    }

    /// A text, or a number or truth as one. Empty counts as absent.
    pub(super) fn text(self, key: &str, most: usize) -> Option<String> {
        let text = match self.get(key)? {
            Value::String(text) => Cow::Borrowed(text.as_str()),
            Value::Number(number) => Cow::Owned(number.to_string()),
            Value::Bool(truth) => Cow::Owned(truth.to_string()),
            _ => return None,
        };
        (!text.is_empty()).then(|| head(&text, most))
    }

    /// A finite number, also in quotes.
    pub(super) fn number(self, key: &str) -> Option<f64> {
        let number = match self.get(key)? {
            Value::Number(number) => number.as_f64()?,
            Value::String(text) => text.trim().parse().ok()?,
            _ => return None,
        };
        number.is_finite().then_some(number)
    }

    /// A truth, also in quotes.
    pub(super) fn truth(self, key: &str) -> Option<bool> {
        match self.get(key)? {
            Value::Bool(truth) => Some(*truth),
            Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    pub(super) fn list(self, key: &str) -> &'a [Value] {
        self.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }
}

/// The beginning of a text, of at most so many bytes.
pub(super) fn head(text: &str, most: usize) -> String {
    let end = (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.get(..end).unwrap_or_default().to_owned()
}

/// What the real service says of a field that must be there.
pub(super) fn required(field: &str, of: &str, expected: &str) -> String {
    format!(
        "109: Field '{field}' on type '{of}' is required but missing or empty. Expected: {expected}, Actual: undefined"
    )
}
