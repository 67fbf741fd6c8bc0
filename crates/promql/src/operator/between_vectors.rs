//! Two vectors, matched one to one, many to one or one to many by their labels.
//!
//! Not the set operators, which match many to many.

use std::collections::HashMap;
use std::sync::Arc;

use watchkeeper_domain::labels::Labels;

use super::comparison::ComparisonOp;
use super::{BinaryOp, Cardinality, MatchLabels, Matching};
use crate::ast::Node;
use crate::engine::Evaluator;
use crate::error::EvalError;
use crate::grouping::{Grouper, KeyLabels};
use crate::value::{Cell, GAP, Row, Vector, is_gap, is_metadata};

/// Stands for "no row".
const NONE: usize = usize::MAX;

/// Evaluates `left op right`.
pub(super) fn evaluate(
    evaluator: &mut Evaluator<'_>,
    node: &Node,
    left: &Vector,
    right: &Vector,
    op: BinaryOp,
    matching: &Matching,
    return_bool: bool,
) -> Result<Vector, EvalError> {
    // One to many is many to one from the other side; only the operands of the operator keep their places.
    let swapped = matching.cardinality == Cardinality::OneToMany;
    let (many, one) = if swapped { (right, left) } else { (left, right) };
    // With `group_right`, Prometheus exchanges the sides but not the fill values, so `fill_left` fills the "many" side.
    let (fill_many, fill_one) = (matching.fill_left, matching.fill_right);
    let mut grouper = Grouper::new(&matching.labels);
    let (many_groups, one_groups) = (grouper.numbers(&many.rows), grouper.numbers(&one.rows));
    let mut join = Join {
        evaluator,
        node,
        op,
        matching,
        return_bool,
        swapped,
        many,
        one,
        out: Vector::new(many.steps),
        by_pair: HashMap::new(),
        by_labels: HashMap::new(),
        matched: vec![NONE; grouper.len()],
        made: Vec::new(),
    };
    let mut at_step = vec![NONE; grouper.len()];
    for step in 0..many.steps {
        // Where a side has nothing and is not filled, there is nothing to be ambiguous about either.
        let none = |vector: &Vector| (0..vector.rows.len()).all(|row| !vector.has(row, step));
        if fill_many.is_none() && fill_one.is_none() && (none(many) || none(one)) {
            continue;
        }
        at_step.fill(NONE);
        for (row, group) in one_groups.iter().enumerate().filter(|(row, _)| one.has(*row, step)) {
            let Some(slot) = at_step.get_mut(*group) else { continue };
            if *slot != NONE {
                return Err(join.duplicate(*slot, row));
            }
            *slot = row;
        }
        for (row, group) in many_groups.iter().enumerate().filter(|(row, _)| many.has(*row, step)) {
            match (at_step.get(*group).copied().unwrap_or(NONE), fill_one) {
                (NONE, None) => {}
                (NONE, Some(fill)) => join.pair(step, *group, (row, GAP), (NONE, fill))?,
                (other, _) => join.pair(step, *group, (row, GAP), (other, GAP))?,
            }
        }
        if let Some(fill) = fill_many {
            for (row, group) in one_groups.iter().enumerate().filter(|(row, _)| one.has(*row, step)) {
                if join.matched.get(*group) != Some(&step) {
                    join.pair(step, *group, (NONE, fill), (row, GAP))?;
                }
            }
        }
    }
    let mut out = join.out;
    out.compact();
    Ok(out)
}

struct Join<'a, 's> {
    evaluator: &'a mut Evaluator<'s>,
    node: &'a Node,
    op: BinaryOp,
    matching: &'a Matching,
    return_bool: bool,
    swapped: bool,
    many: &'a Vector,
    one: &'a Vector,
    out: Vector,
    /// The row of the result for a pair of rows, so that labels are made once and not at each step.
    by_pair: HashMap<(usize, usize), usize>,
    by_labels: HashMap<Labels, usize>,
    /// The last step at which a group was matched.
    matched: Vec<usize>,
    /// The last step at which a row of the result was made, whether a filter left it or not.
    made: Vec<usize>,
}

impl Join<'_, '_> {
    /// Combines two rows at a step. Where a row is [`NONE`], its side is filled with the number beside it.
    fn pair(
        &mut self,
        step: usize,
        group: usize,
        (many, many_fill): (usize, f64),
        (one, one_fill): (usize, f64),
    ) -> Result<(), EvalError> {
        let of = |side: &Vector, row: usize, fill: f64| if row == NONE { fill } else { side.value(row, step) };
        let (many_value, one_value) = (of(self.many, many, many_fill), of(self.one, one, one_fill));
        let in_order = |many, one| if self.swapped { (one, many) } else { (many, one) };
        let is_trim = matches!(self.op, BinaryOp::Trim(_));
        let result = if is_gap(many_value) || is_gap(one_value) || is_trim {
            let of = |side: &Vector, row: usize, v: f64| {
                let histogram = if is_gap(v) { side.histogram(row, step) } else { None };
                histogram.map_or(Cell::Float(v), |h| Cell::Histogram(Arc::clone(h)))
            };
            let (many, one) = (of(self.many, many, many_value), of(self.one, one, one_value));
            let (lhs, rhs) = if self.swapped { (one, many) } else { (many, one) };
            let result = self.op.combine(&lhs, &rhs, self.return_bool, &mut self.evaluator.remarks, self.node);
            let both = matches!(lhs, Cell::Histogram(_)) == matches!(rhs, Cell::Histogram(_));
            let compares = matches!(self.op, BinaryOp::Comparison(ComparisonOp::Equal | ComparisonOp::NotEqual));
            if result.is_none() && !(both && compares) {
                // What cannot be combined is no match.
                return Ok(());
            }
            result
        } else {
            let (lhs, rhs) = in_order(many_value, one_value);
            self.op.apply(lhs, rhs, self.return_bool).map(Cell::Float)
        };
        let one_to_one = self.matching.cardinality == Cardinality::OneToOne;
        if let Some(matched) = self.matched.get_mut(group) {
            if one_to_one && *matched == step {
                return Err(EvalError::execution(
                    self.node,
                    "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
                ));
            }
            *matched = step;
        }
        // Labels of the "one" side matter only where they are included, or where there is no other side.
        let key = if many != NONE && self.matching.include.is_empty() { (many, NONE) } else { (many, one) };
        let row = match self.by_pair.get(&key) {
            Some(row) => *row,
            None => {
                let row = self.result_row(many, one);
                let at = match self.by_labels.get(&row.labels) {
                    Some(at) => *at,
                    None => {
                        let labels = row.labels.clone();
                        self.evaluator.check_points(self.node, self.out.points().saturating_add(self.out.steps))?;
                        let at = self.out.push_empty(row);
                        self.made.push(NONE);
                        self.by_labels.insert(labels, at);
                        at
                    }
                };
                self.by_pair.insert(key, at);
                at
            }
        };
        // A filter must not hide that the match is ambiguous, so it comes after the checks.
        let made_before = self.made.get_mut(row).map(|made| std::mem::replace(made, step)) == Some(step);
        let twice = if one_to_one { result.is_some() && self.out.has(row, step) } else { made_before };
        if twice {
            let reason = if one_to_one {
                "vector cannot contain metrics with the same labelset"
            } else {
                "multiple matches for labels: grouping labels must ensure unique matches"
            };
            return Err(EvalError::execution(self.node, reason));
        }
        if result.is_some() {
            self.out.put(row, step, result);
        }
        Ok(())
    }

    fn result_row(&self, many: usize, one: usize) -> Row {
        let key = KeyLabels::from(&self.matching.labels);
        let one_row = self.one.rows.get(one);
        // A filled row has the labels that it was matched by, and no more.
        let filled = || Row::new(one_row.map_or_else(Labels::empty, |row| key.pick(&row.labels)));
        let mut row = self.many.rows.get(many).cloned().unwrap_or_else(filled);
        if self.op.drops_name(self.return_bool) {
            row.drop_name(self.evaluator.delayed_name_removal());
        }
        if self.matching.cardinality == Cardinality::OneToOne {
            row.labels = match &self.matching.labels {
                MatchLabels::On(_) => key.pick(&row.labels),
                MatchLabels::Ignoring(names) if names.is_empty() => row.labels,
                MatchLabels::Ignoring(names) => row.labels.without(|n| names.iter().any(|k| k == n)),
            };
        }
        let from =
            one_row.map(|row| row.labels.clone()).or_else(|| self.many.rows.get(many).map(|m| key.pick(&m.labels)));
        for name in &self.matching.include {
            row.labels = row.labels.with(name, from.as_ref().and_then(|l| l.get(name)).unwrap_or(""));
            if is_metadata(name) {
                row.drop_name = false;
            }
        }
        row
    }

    fn duplicate(&self, first: usize, second: usize) -> EvalError {
        let side = if self.swapped { "left" } else { "right" };
        let labels = |at: usize| self.one.rows.get(at).map(|row| row.labels.clone()).unwrap_or_default();
        let group = KeyLabels::from(&self.matching.labels).pick(&labels(first));
        EvalError::execution(
            self.node,
            format!(
                "found duplicate series for the match group {} on the {side} hand-side of the operation: [{}, {}];\
                 many-to-many matching not allowed: matching labels must be unique on one side",
                braces(&group),
                braces(&labels(first)),
                braces(&labels(second)),
            ),
        )
    }
}

/// A label set with the metric name among the labels, as Prometheus writes it in this error.
fn braces(labels: &Labels) -> String {
    let pairs: Vec<String> = labels.iter().map(|(n, v)| format!("{n}={v:?}")).collect();
    format!("{{{}}}", pairs.join(", "))
}
