//! `count_values`: how many rows of a group have which value; the value becomes a label.
//!
//! Not a histogram: each distinct number is a row.

use std::collections::HashMap;

use watchkeeper_domain::labels::{Labels, NAME};

use super::Aggregation;
use crate::engine::Evaluator;
use crate::error::EvalError;
use crate::order;
use crate::value::{Row, Vector, is_gap};

/// `count_values("label", v)`
pub(super) fn count_values(evaluator: &mut Evaluator<'_>, aggregation: &Aggregation<'_>) -> Result<Vector, EvalError> {
    if aggregation.text.is_empty() {
        return Err(EvalError::execution(aggregation.node, "invalid label name \"\""));
    }
    let input = aggregation.input;
    let mut out = Vector::new(input.steps);
    let mut rows: HashMap<Labels, usize> = HashMap::new();
    let bases: Vec<Row> = (0..aggregation.leaders.len()).map(|group| aggregation.group_row(group)).collect();
    for (at, group) in aggregation.groups.iter().enumerate() {
        let Some(base) = bases.get(*group) else { continue };
        for (step, v) in input.row(at).iter().enumerate().filter(|(_, v)| !is_gap(**v)) {
            let labels = base.labels.with(aggregation.text, &order::shown(*v));
            let row = match rows.get(&labels) {
                Some(row) => *row,
                None => {
                    let drop_name = base.drop_name && aggregation.text != NAME;
                    let row = out.push_empty(Row { labels: labels.clone(), drop_name });
                    rows.insert(labels, row);
                    evaluator.check_points(aggregation.node, out.values.len())?;
                    row
                }
            };
            let before = out.value(row, step);
            out.set(row, step, if is_gap(before) { 1.0 } else { before + 1.0 });
        }
    }
    Ok(out)
}
