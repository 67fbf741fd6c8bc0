//! Aggregation operators: the table of them, and the grouping that they share.
//!
//! Not the functions over time (`sum_over_time`): those are in `function`. Native histograms can be added up and
//! counted; the other operators have no order for them and leave them out, with a remark.

mod count_values;
pub(crate) mod extremum;
mod histograms;
mod limit;
pub(crate) mod quantile;
mod ranked;
pub(crate) mod variance;

use crate::ast::{Grouping, Kind, Node, NodeKind};
use crate::compensated;
use crate::engine::Evaluator;
use crate::error::EvalError;
use crate::grouping::{Grouper, KeyLabels};
use crate::value::{GAP, Grid, Row, Vector, is_gap};

/// How an aggregator works.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fold {
    /// One value from those of a group.
    Values(fn(&[f64]) -> f64, OfHistograms),
    /// One number from the numbers of a group, which may be reordered, and the parameter.
    Ordered(fn(f64, &mut [f64]) -> f64),
    /// Chooses or makes rows by itself.
    Rows(fn(&mut Evaluator<'_>, &Aggregation<'_>) -> Result<Vector, EvalError>),
}

/// What an aggregator does with native histograms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OfHistograms {
    Sum,
    Mean,
    /// They count as much as numbers.
    Count,
    /// They are left out.
    Ignore,
}

/// One aggregation operator.
#[derive(Debug)]
pub(crate) struct Aggregator {
    pub(crate) name: &'static str,
    /// The type of the parameter, where there is one.
    pub(crate) parameter: Option<Kind>,
    fold: Fold,
}

const fn plain(name: &'static str, fold: fn(&[f64]) -> f64, histograms: OfHistograms) -> Aggregator {
    Aggregator { name, parameter: None, fold: Fold::Values(fold, histograms) }
}

static TABLE: &[Aggregator] = &[
    plain("sum", |v| compensated::sum(v.iter().copied()), OfHistograms::Sum),
    plain("avg", |v| compensated::mean(v.iter().copied()), OfHistograms::Mean),
    plain("count", |v| v.len() as f64, OfHistograms::Count),
    plain("group", |_| 1.0, OfHistograms::Count),
    plain("min", |v| extremum::min(v.iter().copied()), OfHistograms::Ignore),
    plain("max", |v| extremum::max(v.iter().copied()), OfHistograms::Ignore),
    plain("stddev", |v| variance::of_group(v).sqrt(), OfHistograms::Ignore),
    plain("stdvar", variance::of_group, OfHistograms::Ignore),
    Aggregator { name: "quantile", parameter: Some(Kind::Scalar), fold: Fold::Ordered(quantile::quantile) },
    Aggregator { name: "topk", parameter: Some(Kind::Scalar), fold: Fold::Rows(ranked::topk) },
    Aggregator { name: "bottomk", parameter: Some(Kind::Scalar), fold: Fold::Rows(ranked::bottomk) },
    Aggregator { name: "limitk", parameter: Some(Kind::Scalar), fold: Fold::Rows(limit::limitk) },
    Aggregator { name: "limit_ratio", parameter: Some(Kind::Scalar), fold: Fold::Rows(limit::limit_ratio) },
    Aggregator { name: "count_values", parameter: Some(Kind::Text), fold: Fold::Rows(count_values::count_values) },
];

/// Finds an aggregator by its name in lower case.
pub(crate) fn find(name: &str) -> Option<&'static Aggregator> {
    TABLE.iter().find(|a| a.name == name)
}

/// One aggregation with its operand evaluated and grouped.
#[derive(Debug)]
pub(crate) struct Aggregation<'a> {
    node: &'a Node,
    aggregator: &'static Aggregator,
    /// What is aggregated, which remarks are about.
    expr: &'a Node,
    /// The parameter, where there is one.
    param: Option<&'a Node>,
    grouping: &'a Grouping,
    input: &'a Vector,
    /// The group of each row.
    groups: &'a [usize],
    /// The first row of each group.
    leaders: &'a [usize],
    /// The parameter at each step; empty where it is a text or missing.
    numbers: &'a [f64],
    text: &'a str,
    grid: Grid,
}

impl Aggregation<'_> {
    /// The rows of each group.
    fn members(&self) -> Vec<Vec<usize>> {
        let mut members = vec![Vec::new(); self.leaders.len()];
        for (row, group) in self.groups.iter().enumerate() {
            if let Some(group) = members.get_mut(*group) {
                group.push(row);
            }
        }
        members
    }

    fn number(&self, step: usize) -> f64 {
        self.numbers.get(step).copied().unwrap_or(f64::NAN)
    }

    /// The row that stands for a group.
    fn group_row(&self, group: usize) -> Row {
        let Some(leader) = self.leaders.get(group).and_then(|at| self.input.rows.get(*at)) else {
            return Row::new(watchkeeper_domain::labels::Labels::empty());
        };
        Row { labels: KeyLabels::from(self.grouping).pick(&leader.labels), drop_name: leader.drop_name }
    }
}

/// Evaluates an aggregation.
pub(crate) fn evaluate(evaluator: &mut Evaluator<'_>, node: &Node, grid: Grid) -> Result<Vector, EvalError> {
    let NodeKind::Aggregate { aggregator, grouping, param, expr } = &node.kind else {
        return Err(EvalError::execution(node, "not an aggregation"));
    };
    let (mut numbers, mut text) = (Vec::new(), String::new());
    if let Some(param) = param {
        match aggregator.parameter {
            Some(Kind::Text) => text = evaluator.text(param)?,
            _ => numbers = evaluator.scalar(param, grid)?,
        }
    }
    let input = evaluator.vector(expr, grid)?;
    let mut grouper = Grouper::new(grouping);
    let groups = grouper.numbers(&input.rows);
    let mut leaders = vec![usize::MAX; grouper.len()];
    for (row, group) in groups.iter().enumerate() {
        if let Some(leader) = leaders.get_mut(*group) {
            *leader = row.min(*leader);
        }
    }
    let aggregation = Aggregation {
        node,
        aggregator,
        expr,
        param: param.as_deref(),
        grouping,
        input: &input,
        groups: &groups,
        leaders: &leaders,
        numbers: &numbers,
        text: &text,
        grid,
    };
    match aggregator.fold {
        Fold::Values(fold, of_histograms) if input.has_histograms() => {
            Ok(histograms::fold_groups(&mut evaluator.remarks, &aggregation, fold, of_histograms))
        }
        Fold::Values(fold, _) => Ok(fold_groups(&aggregation, |_, values| fold(values))),
        Fold::Ordered(fold) => {
            if aggregator.name == "quantile" {
                quantile::warn(evaluator, param.as_deref().unwrap_or(node), &numbers);
            }
            histograms::ignored(&mut evaluator.remarks, &aggregation);
            Ok(fold_groups(&aggregation, |step, values| fold(aggregation.number(step), values)))
        }
        Fold::Rows(choose) => choose(evaluator, &aggregation),
    }
}

fn fold_groups(aggregation: &Aggregation<'_>, mut fold: impl FnMut(usize, &mut [f64]) -> f64) -> Vector {
    let input = aggregation.input;
    let mut out = Vector::new(input.steps);
    let mut values = Vec::with_capacity(input.rows.len());
    for (group, members) in aggregation.members().into_iter().enumerate() {
        let row = out.push_empty(aggregation.group_row(group));
        for step in 0..input.steps {
            values.clear();
            values.extend(members.iter().map(|at| input.value(*at, step)).filter(|v| !is_gap(*v)));
            out.set(row, step, if values.is_empty() { GAP } else { fold(step, &mut values) });
        }
    }
    out.compact();
    out
}
