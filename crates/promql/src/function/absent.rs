//! `absent` and `absent_over_time`: one row with value 1 where nothing is found, labelled by what was looked for.
//!
//! Not "no data" of a rule: that is about the source, this about the selector.

use std::collections::HashMap;

use watchkeeper_domain::labels::{Labels, NAME};
use watchkeeper_domain::matcher::MatchOp;

use super::call::Call;
use crate::ast::{Node, NodeKind};
use crate::error::EvalError;
use crate::value::{Cell, GAP, Row, Value, Vector};

/// `absent(v)`
pub(super) fn absent(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    let found = call.vector(0)?;
    absence(call, &found)
}

/// `absent_over_time(v[d])`
pub(super) fn absent_over_time(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    let found = call.map_windows(0, |_, _| Some(Cell::Float(1.0)))?;
    absence(call, &found)
}

fn absence(call: &Call<'_, '_>, found: &Vector) -> Result<Value, EvalError> {
    let missing = |step: usize| (0..found.rows.len()).all(|row| !found.has(row, step));
    let mut out = Vector::new(call.grid.steps);
    let values = (0..call.grid.steps).map(|step| if missing(step) { 1.0 } else { GAP });
    out.push(Row::new(labels(call.arg(0)?)), values);
    Ok(Value::Vector(out))
}

/// The labels that the selector asks for by `=`, unless it says something else about them as well.
fn labels(arg: &Node) -> Labels {
    let (NodeKind::Selector(selector) | NodeKind::Matrix { selector, .. }) = &arg.bare().kind else {
        return Labels::empty();
    };
    let mut told: HashMap<&str, usize> = HashMap::new();
    for matcher in &selector.matchers {
        *told.entry(&matcher.name).or_default() += 1;
    }
    let plain = selector.matchers.iter().filter(|m| m.name != NAME && m.op == MatchOp::Equal);
    let once = plain.filter(|m| told.get(m.name.as_str()) == Some(&1));
    once.map(|m| (m.name.as_str(), m.value.as_str())).collect()
}
