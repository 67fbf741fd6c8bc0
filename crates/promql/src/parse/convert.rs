//! The parser's tree turned into ours, with the checks that the parser leaves out.
//!
//! The only file besides `parse` that knows the parser.

use std::time::{Duration, SystemTime};

use promql_parser::label::{MatchOp as ParsedOp, Matchers};
use promql_parser::parser as parsed;
use regex::{Regex, RegexBuilder};
use watchkeeper_domain::labels::NAME;
use watchkeeper_domain::matcher::{MatchOp, Matcher};

use crate::ast::{At, Grouping, Node, SeriesSelector, Timing};
use crate::error::ParseError;
use crate::operator::{BinaryOp, Cardinality, MatchLabels, Matching};
use crate::{aggregation, function};

/// How deep a tree may be: evaluation recurses.
const MAX_DEPTH: usize = 128;
/// Go's longest duration, which is Prometheus's: 2^63 nanoseconds, here in milliseconds.
const MAX_DURATION_MS: u128 = 9_223_372_036_854;
/// The largest compiled regular expression of `label_replace`, in bytes.
const REGEX_SIZE_LIMIT: usize = 1 << 20;

fn refused(expr: &impl std::fmt::Display, reason: impl Into<String>) -> ParseError {
    ParseError::Refused { expr: expr.to_string().chars().take(200).collect(), reason: reason.into() }
}

pub(super) fn convert(tree: &parsed::Expr, depth: usize) -> Result<Node, ParseError> {
    if depth > MAX_DEPTH {
        return Err(ParseError::TooLarge { what: format!("operators and calls nest deeper than {MAX_DEPTH}") });
    }
    let below = |inner: &parsed::Expr| convert(inner, depth + 1);
    Ok(match tree {
        parsed::Expr::NumberLiteral(number) => Node::Number(number.val),
        parsed::Expr::StringLiteral(text) => Node::Text(text.val.clone()),
        parsed::Expr::Paren(paren) => Node::Paren(Box::new(below(&paren.expr)?)),
        parsed::Expr::Unary(unary) => match below(&unary.expr)? {
            // As Prometheus does it: the sign belongs to the number.
            Node::Number(n) => Node::Number(-n),
            inner => Node::Negate(Box::new(inner)),
        },
        parsed::Expr::VectorSelector(selector) => Node::Selector(series(selector)?),
        parsed::Expr::MatrixSelector(matrix) => {
            Node::Matrix { selector: series(&matrix.vs)?, range_ms: positive(tree, matrix.range)? }
        }
        parsed::Expr::Subquery(subquery) => Node::Subquery {
            expr: Box::new(below(&subquery.expr)?),
            range_ms: positive(tree, subquery.range)?,
            step_ms: subquery.step.map(|step| positive(tree, step)).transpose()?,
            timing: timing(tree, subquery.offset.as_ref(), subquery.at.as_ref())?,
        },
        parsed::Expr::Call(call) => {
            let name = call.func.name;
            let function = function::find(name).ok_or_else(|| refused(tree, format!("unknown function `{name}`")))?;
            let args = call.args.args.iter().map(|arg| below(arg)).collect::<Result<Vec<_>, _>>()?;
            function.check(&args).map_err(|reason| refused(tree, reason))?;
            let regex = if name == "label_replace" { Some(replace_regex(tree, &args)?) } else { None };
            Node::Call { function, args, regex }
        }
        parsed::Expr::Aggregate(aggregate) => {
            let name = aggregate.op.to_string();
            let aggregator =
                aggregation::find(&name).ok_or_else(|| refused(tree, format!("unknown aggregation `{name}`")))?;
            let param = aggregate.param.as_ref().map(|param| below(param).map(Box::new)).transpose()?;
            let expr = Box::new(below(&aggregate.expr)?);
            aggregator.check(param.as_deref(), &expr).map_err(|reason| refused(tree, reason))?;
            let grouping = match &aggregate.modifier {
                None => Grouping::By(Vec::new()),
                Some(parsed::LabelModifier::Include(labels)) => Grouping::By(labels.labels.clone()),
                Some(parsed::LabelModifier::Exclude(labels)) => Grouping::Without(labels.labels.clone()),
            };
            Node::Aggregate { aggregator, grouping, param, expr }
        }
        parsed::Expr::Binary(binary) => {
            let sign = binary.op.to_string();
            let op = BinaryOp::from_sign(&sign).ok_or_else(|| refused(tree, format!("unknown operator `{sign}`")))?;
            let (lhs, rhs) = (Box::new(below(&binary.lhs)?), Box::new(below(&binary.rhs)?));
            let return_bool = binary.modifier.as_ref().is_some_and(|m| m.return_bool);
            Node::Binary { op, lhs, rhs, matching: matching(op, binary.modifier.as_ref()), return_bool }
        }
        parsed::Expr::Extension(_) => return Err(refused(tree, "an unknown kind of expression")),
    })
}

fn matching(op: BinaryOp, modifier: Option<&parsed::BinModifier>) -> Matching {
    let mut out = Matching {
        labels: MatchLabels::Ignoring(Vec::new()),
        cardinality: Cardinality::OneToOne,
        include: Vec::new(),
        fill_left: None,
        fill_right: None,
    };
    if let Some(modifier) = modifier {
        out.labels = match &modifier.matching {
            None => MatchLabels::Ignoring(Vec::new()),
            Some(parsed::LabelModifier::Include(labels)) => MatchLabels::On(labels.labels.clone()),
            Some(parsed::LabelModifier::Exclude(labels)) => MatchLabels::Ignoring(labels.labels.clone()),
        };
        out.cardinality = match &modifier.card {
            parsed::VectorMatchCardinality::OneToOne => Cardinality::OneToOne,
            parsed::VectorMatchCardinality::ManyToOne(_) => Cardinality::ManyToOne,
            parsed::VectorMatchCardinality::OneToMany(_) => Cardinality::OneToMany,
            parsed::VectorMatchCardinality::ManyToMany => Cardinality::ManyToMany,
        };
        out.include = modifier.card.labels().map(|l| l.labels.clone()).unwrap_or_default();
        (out.fill_left, out.fill_right) = (modifier.fill_values.lhs, modifier.fill_values.rhs);
    }
    if matches!(op, BinaryOp::Set(_)) {
        out.cardinality = Cardinality::ManyToMany;
    }
    out
}

fn series(selector: &parsed::VectorSelector) -> Result<SeriesSelector, ParseError> {
    let Matchers { matchers, or_matchers } = &selector.matchers;
    if !or_matchers.is_empty() {
        return Err(refused(
            selector,
            "`or` between matchers is no PromQL; use a regular expression or the operator `or`",
        ));
    }
    let mut out = Vec::with_capacity(matchers.len() + 1);
    if let Some(name) = &selector.name {
        out.push(Matcher::equal(NAME, name.as_str()));
    }
    for m in matchers {
        let op = match m.op {
            ParsedOp::Equal => MatchOp::Equal,
            ParsedOp::NotEqual => MatchOp::NotEqual,
            ParsedOp::Re(_) => MatchOp::Match,
            ParsedOp::NotRe(_) => MatchOp::NotMatch,
        };
        let matcher = Matcher::new(m.name.as_str(), op, m.value.as_str());
        out.push(matcher.map_err(|e| refused(selector, e.to_string()))?);
    }
    let timing = timing(selector, selector.offset.as_ref(), selector.at.as_ref())?;
    Ok(SeriesSelector { matchers: out, timing })
}

fn timing(
    expr: &impl std::fmt::Display,
    offset: Option<&parsed::Offset>,
    at: Option<&parsed::AtModifier>,
) -> Result<Timing, ParseError> {
    let offset_ms = match offset {
        None => 0,
        Some(parsed::Offset::Pos(offset)) => milliseconds(expr, *offset)?,
        Some(parsed::Offset::Neg(offset)) => -milliseconds(expr, *offset)?,
    };
    let at = match at {
        None => None,
        Some(parsed::AtModifier::Start) => Some(At::Start),
        Some(parsed::AtModifier::End) => Some(At::End),
        Some(parsed::AtModifier::At(time)) => {
            let (sign, distance) = match time.duration_since(SystemTime::UNIX_EPOCH) {
                Ok(after) => (1, after),
                Err(before) => (-1, before.duration()),
            };
            let ms = i64::try_from(distance.as_millis());
            Some(At::Time(sign * ms.map_err(|_| refused(expr, "the time of `@` is out of range"))?))
        }
    };
    Ok(Timing { offset_ms, at })
}

fn positive(expr: &impl std::fmt::Display, duration: Duration) -> Result<i64, ParseError> {
    match milliseconds(expr, duration)? {
        0 => Err(refused(expr, "a range or step must be at least a millisecond")),
        ms => Ok(ms),
    }
}

fn milliseconds(expr: &impl std::fmt::Display, duration: Duration) -> Result<i64, ParseError> {
    let ms = duration.as_millis();
    match i64::try_from(ms) {
        Ok(short) if ms <= MAX_DURATION_MS => Ok(short),
        _ => Err(refused(expr, "a duration is out of range; the longest is 292 years")),
    }
}

/// The regular expression of `label_replace`, so that a wrong one is known before the first evaluation.
fn replace_regex(tree: &parsed::Expr, args: &[Node]) -> Result<Regex, ParseError> {
    let Some(Node::Text(pattern)) = args.get(4).map(Node::bare) else {
        return Err(refused(tree, "the regular expression of label_replace must be a text"));
    };
    RegexBuilder::new(&format!("^(?s:{pattern})$"))
        .size_limit(REGEX_SIZE_LIMIT)
        .build()
        .map_err(|e| refused(tree, format!("invalid regular expression in label_replace(): {e}")))
}
