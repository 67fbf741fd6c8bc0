//! Aggregation operators: the table of them, and the grouping that they share.
//!
//! Not the functions over time (`sum_over_time`): those are in `function`.

mod count_values;
pub(crate) mod extremum;
mod limit;
pub(crate) mod quantile;
mod ranked;
pub(crate) mod variance;

use crate::ast::{Grouping, Kind, Node};
use crate::compensated;
use crate::engine::Evaluator;
use crate::error::EvalError;
use crate::grouping::{Grouper, KeyLabels};
use crate::value::{GAP, Grid, Row, Vector, is_gap};

/// How an aggregator works.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fold {
    /// One number from the values of a group.
    Values(fn(&[f64]) -> f64),
    /// One number from the values of a group, which may be reordered, and the parameter.
    Ordered(fn(f64, &mut [f64]) -> f64),
    /// Chooses or makes rows by itself.
    Rows(fn(&mut Evaluator<'_>, &Aggregation<'_>) -> Result<Vector, EvalError>),
}

/// One aggregation operator.
#[derive(Debug)]
pub(crate) struct Aggregator {
    pub(crate) name: &'static str,
    /// The type of the parameter, where there is one.
    pub(crate) parameter: Option<Kind>,
    fold: Fold,
}

static TABLE: &[Aggregator] = &[
    Aggregator { name: "sum", parameter: None, fold: Fold::Values(|v| compensated::sum(v.iter().copied())) },
    Aggregator { name: "avg", parameter: None, fold: Fold::Values(|v| compensated::mean(v.iter().copied())) },
    Aggregator { name: "count", parameter: None, fold: Fold::Values(|v| v.len() as f64) },
    Aggregator { name: "group", parameter: None, fold: Fold::Values(|_| 1.0) },
    Aggregator { name: "min", parameter: None, fold: Fold::Values(|v| extremum::min(v.iter().copied())) },
    Aggregator { name: "max", parameter: None, fold: Fold::Values(|v| extremum::max(v.iter().copied())) },
    Aggregator { name: "stddev", parameter: None, fold: Fold::Values(|v| variance::of_group(v).sqrt()) },
    Aggregator { name: "stdvar", parameter: None, fold: Fold::Values(variance::of_group) },
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
    let Node::Aggregate { aggregator, grouping, param, expr } = node else {
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
        grouping,
        input: &input,
        groups: &groups,
        leaders: &leaders,
        numbers: &numbers,
        text: &text,
        grid,
    };
    match aggregator.fold {
        Fold::Values(fold) => Ok(fold_groups(&aggregation, |_, values| fold(values))),
        Fold::Ordered(fold) => {
            if aggregator.name == "quantile" {
                quantile::warn(evaluator, param.as_deref().unwrap_or(node), &numbers);
            }
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

impl Aggregator {
    /// Whether the operands fit; the text says what is wrong.
    pub(crate) fn check(&self, param: Option<&Node>, expr: &Node) -> Result<(), String> {
        if expr.kind() != Kind::Vector {
            return Err(format!("{} aggregates an instant vector", self.name));
        }
        match (self.parameter, param.map(Node::kind)) {
            (None, None) => Ok(()),
            (Some(wanted), Some(given)) if wanted == given => Ok(()),
            (None, Some(_)) => Err(format!("{} takes no parameter", self.name)),
            (Some(_), _) => Err(format!("{} needs its parameter first", self.name)),
        }
    }
}
