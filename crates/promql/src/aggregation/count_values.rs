//! `count_values`: how many rows of a group have which value; the value becomes a label.
//!
//! Not a histogram: each distinct value is a row.

use std::collections::HashMap;

use watchkeeper_domain::labels::Labels;

use super::Aggregation;
use crate::engine::Evaluator;
use crate::error::EvalError;
use crate::order;
use crate::value::{Cell, Row, Vector, is_gap, is_metadata};

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
        for step in 0..input.steps {
            let shown = match input.cell(at, step) {
                Some(Cell::Float(v)) => order::shown(v),
                Some(Cell::Histogram(h)) => h.to_string(),
                None => continue,
            };
            let labels = base.labels.with(aggregation.text, &shown);
            let row = match rows.get(&labels) {
                Some(row) => *row,
                None => {
                    let drop_name = base.drop_name && !is_metadata(aggregation.text);
                    let row = out.push_empty(Row { labels: labels.clone(), drop_name });
                    rows.insert(labels, row);
                    evaluator.check_points(aggregation.node, out.points())?;
                    row
                }
            };
            let before = out.value(row, step);
            out.set(row, step, if is_gap(before) { 1.0 } else { before + 1.0 });
        }
    }
    Ok(out)
}
