//! `label_replace`: a label from the parts of another that a regular expression finds.
//!
//! Not relabelling of scrapes. The expression is anchored and was compiled at parsing.

use std::collections::HashMap;
use std::sync::Arc;

use super::call::Call;
use crate::error::EvalError;
use crate::value::{Value, is_metadata};

/// `label_replace(v, dst, replacement, src, regex)`
pub(super) fn label_replace(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    let mut vector = call.vector(0)?;
    let (target, replacement, source) = (call.text(1)?, call.text(2)?, call.text(3)?);
    let Some(regex) = call.regex else { return Err(call.error("the regular expression is missing")) };
    if target.is_empty() {
        return Err(call.error("invalid destination label name in label_replace(): \"\""));
    }
    // Many rows share a value, such as one host's, so each is matched once.
    let mut results: HashMap<Arc<str>, Option<Arc<str>>> = HashMap::new();
    for row in &mut vector.rows {
        let value: Arc<str> = row.labels.get(&source).unwrap_or("").into();
        let result = results.entry(value).or_insert_with_key(|value| {
            regex.captures(value).map(|found| {
                let mut text = String::new();
                found.expand(&replacement, &mut text);
                text.into()
            })
        });
        if let Some(text) = result {
            row.labels = row.labels.with(&target, text);
            if is_metadata(&target) {
                row.drop_name = false;
            }
        }
    }
    call.evaluator.merged(call.node, vector).map(Value::Vector)
}
