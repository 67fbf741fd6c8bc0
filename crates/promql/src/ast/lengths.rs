//! Lengths of time in an expression: plain ones (`5m`), and those that are reckoned (`step() * 2`).
//!
//! Not their grammar: `parse::length` reads them.

use super::{Node, NodeKind};

/// An operator between lengths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LengthOp {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
}

impl LengthOp {
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
            Self::Power => "^",
        }
    }
}

/// A length as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum LengthExpr {
    /// Seconds; the flag tells that they were written as a duration.
    Number(f64, bool),
    Step,
    Range,
    Negate(Box<LengthExpr>),
    Binary(LengthOp, Box<LengthExpr>, Box<LengthExpr>),
    /// `min_of` (true) or `max_of`.
    Extremum(bool, Box<LengthExpr>, Box<LengthExpr>),
    Paren(Box<LengthExpr>),
}

impl LengthExpr {
    /// Its value in seconds, given the step and the range of the query in seconds.
    pub(crate) fn seconds(&self, step: f64, range: f64) -> Result<f64, &'static str> {
        Ok(match self {
            Self::Number(seconds, _) => *seconds,
            Self::Step => step,
            Self::Range => range,
            Self::Negate(inner) => -inner.seconds(step, range)?,
            Self::Paren(inner) => inner.seconds(step, range)?,
            Self::Extremum(least, a, b) => {
                let (a, b) = (a.seconds(step, range)?, b.seconds(step, range)?);
                if *least { a.min(b) } else { a.max(b) }
            }
            Self::Binary(op, lhs, rhs) => {
                let (lhs, rhs) = (lhs.seconds(step, range)?, rhs.seconds(step, range)?);
                match op {
                    LengthOp::Add => lhs + rhs,
                    LengthOp::Subtract => lhs - rhs,
                    LengthOp::Multiply => lhs * rhs,
                    LengthOp::Divide if rhs == 0.0 => return Err("division by zero"),
                    LengthOp::Divide => lhs / rhs,
                    LengthOp::Modulo if rhs == 0.0 => return Err("modulo by zero"),
                    LengthOp::Modulo => lhs % rhs,
                    LengthOp::Power => lhs.powf(rhs),
                }
            }
        })
    }
}

/// A length in milliseconds. A reckoned one has its value only after [`Node::resolve`].
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Length {
    pub(crate) ms: i64,
    /// How it was written, unless as a plain number or duration.
    pub(crate) written: Option<Box<LengthExpr>>,
}

impl Length {
    pub(crate) fn of(ms: i64) -> Self {
        Self { ms, written: None }
    }

    fn resolve(&mut self, step: f64, range: f64, may_be_negative: bool) -> Result<(), &'static str> {
        let Some(written) = &self.written else { return Ok(()) };
        let seconds = written.seconds(step, range)?;
        if seconds.is_nan() || seconds.abs() > 9_223_372_036.0 {
            return Err("duration is out of range");
        }
        if seconds <= 0.0 && !may_be_negative {
            return Err("duration must be greater than 0");
        }
        self.ms = (seconds * 1000.0) as i64;
        Ok(())
    }
}

impl Node {
    /// Whether a length below is reckoned.
    pub(crate) fn has_reckoned_lengths(&self) -> bool {
        self.any(&|node| match &node.kind {
            NodeKind::Selector(s) => s.timing.offset.written.is_some(),
            NodeKind::Matrix { selector, range } => range.written.is_some() || selector.timing.offset.written.is_some(),
            NodeKind::Subquery { range, step, timing, .. } => {
                range.written.is_some()
                    || timing.offset.written.is_some()
                    || step.as_ref().is_some_and(|s| s.written.is_some())
            }
            _ => false,
        })
    }

    /// Gives all reckoned lengths their values, for a query with this step and range in seconds.
    pub(crate) fn resolve(&mut self, step: f64, range: f64) -> Result<(), &'static str> {
        match &mut self.kind {
            NodeKind::Selector(s) => s.timing.offset.resolve(step, range, true)?,
            NodeKind::Matrix { selector, range: length } => {
                length.resolve(step, range, false)?;
                selector.timing.offset.resolve(step, range, true)?;
            }
            NodeKind::Subquery { range: length, step: own, timing, .. } => {
                length.resolve(step, range, false)?;
                timing.offset.resolve(step, range, true)?;
                if let Some(own) = own {
                    own.resolve(step, range, false)?;
                }
            }
            _ => {}
        }
        self.kind.children_mut().into_iter().try_for_each(|child| child.resolve(step, range))
    }
}
