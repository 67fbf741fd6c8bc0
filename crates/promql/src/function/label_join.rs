//! `label_join`: a label from the values of others.
//!
//! Not `label_replace`, which takes a value apart.

use super::call::Call;
use crate::error::EvalError;
use crate::value::{Value, is_metadata};

/// `label_join(v, dst, separator, src…)`
pub(super) fn label_join(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    let mut vector = call.vector(0)?;
    let (target, separator) = (call.text(1)?, call.text(2)?);
    if target.is_empty() {
        return Err(call.error("invalid destination label name in label_join(): \"\""));
    }
    let sources = (3..call.args.len()).map(|at| call.text(at)).collect::<Result<Vec<_>, _>>()?;
    for row in &mut vector.rows {
        let values: Vec<&str> = sources.iter().map(|name| row.labels.get(name).unwrap_or("")).collect();
        let joined = values.join(&separator);
        row.labels = row.labels.with(&target, &joined);
        if is_metadata(&target) {
            row.drop_name = false;
        }
    }
    call.evaluator.merged(call.node, vector).map(Value::Vector)
}
