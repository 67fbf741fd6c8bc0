//! Lengths of time: in brackets any arithmetic, after `offset` a single one with a sign.
//!
//! Not their values: those of reckoned ones are known at evaluation only.

use super::Parser;
use super::lexer::Kind as TokenKind;
use super::literal::MAX_SECONDS;
use crate::ast::{Length, LengthExpr, LengthOp, Span};

/// How deep lengths nest.
const MAX_NESTING: usize = 32;
const CONTEXT: &str = " in duration expression";

impl Parser<'_> {
    /// The length of a range or a step: more than nothing, as far as it is known.
    pub(super) fn positive_length(&mut self) -> Length {
        let start = self.start();
        let Some(written) = self.sum(0) else { return Length::default() };
        let span = self.span_from(start);
        let length = self.length(written, span);
        if length.written.is_none() && length.ms <= 0 && !self.stopped {
            self.tell(span, "duration must be greater than 0");
        }
        length
    }

    /// What follows `offset`: a number, a duration, `step()`, `range()`, an extremum or parentheses, with a sign.
    pub(super) fn offset_length(&mut self) -> Length {
        let start = self.start();
        let negative = self.is_sign("-");
        if negative || self.is_sign("+") {
            self.advance();
        }
        let Some(inner) = self.length_operand(" in offset, expected number, duration, step(), or range()", 0) else {
            return Length::default();
        };
        let written = if negative { negated(inner) } else { inner };
        let span = self.span_from(start);
        self.length(written, span)
    }

    fn length(&mut self, written: LengthExpr, span: Span) -> Length {
        if let LengthExpr::Number(seconds, _) = written {
            if seconds.abs() > MAX_SECONDS {
                self.tell(span, "duration out of range");
                return Length::of(1);
            }
            return Length::of((seconds * 1000.0).round() as i64);
        }
        // Until the query is known, its step and range count as nothing.
        let seconds = written.seconds(0.0, 0.0).unwrap_or(0.0);
        let ms = if seconds.abs() > MAX_SECONDS { 0 } else { (seconds * 1000.0) as i64 };
        Length { ms, written: Some(Box::new(written)) }
    }

    fn sum(&mut self, depth: usize) -> Option<LengthExpr> {
        let mut lhs = self.product(depth)?;
        loop {
            let op = match self.peek() {
                TokenKind::Sign("+") => LengthOp::Add,
                TokenKind::Sign("-") => LengthOp::Subtract,
                _ => return Some(lhs),
            };
            self.advance();
            lhs = LengthExpr::Binary(op, Box::new(lhs), Box::new(self.product(depth)?));
        }
    }

    fn product(&mut self, depth: usize) -> Option<LengthExpr> {
        let mut lhs = self.signed(depth)?;
        loop {
            let (op, what) = match self.peek() {
                TokenKind::Sign("*") => (LengthOp::Multiply, ""),
                TokenKind::Sign("/") => (LengthOp::Divide, "division"),
                TokenKind::Sign("%") => (LengthOp::Modulo, "modulo"),
                _ => return Some(lhs),
            };
            let sign = Span { start: self.start(), end: self.start() + 1 };
            self.advance();
            let rhs = self.signed(depth)?;
            if !what.is_empty() && matches!(rhs, LengthExpr::Number(0.0, _)) {
                self.tell(sign, format!("{what} by zero"));
            }
            lhs = LengthExpr::Binary(op, Box::new(lhs), Box::new(rhs));
        }
    }

    fn signed(&mut self, depth: usize) -> Option<LengthExpr> {
        if depth > MAX_NESTING {
            let span = Span { start: self.start(), end: self.start() };
            self.tell(span, "lengths nest too deeply");
            self.stopped = true;
            return None;
        }
        if self.eat_sign("-") {
            return self.signed(depth + 1).map(negated);
        }
        if self.eat_sign("+") {
            return self.signed(depth + 1);
        }
        let base = self.length_operand(CONTEXT, depth)?;
        if self.eat_sign("^") {
            let exponent = self.signed(depth + 1)?;
            return Some(LengthExpr::Binary(LengthOp::Power, Box::new(base), Box::new(exponent)));
        }
        Some(base)
    }

    fn length_operand(&mut self, context: &str, depth: usize) -> Option<LengthExpr> {
        if matches!(self.peek(), TokenKind::Number(_)) {
            let (seconds, duration) = self.number()?;
            return Some(LengthExpr::Number(seconds, duration));
        }
        if self.eat_sign("(") {
            let inner = self.sum(depth + 1)?;
            return self.expect(")", CONTEXT).then(|| LengthExpr::Paren(Box::new(inner)));
        }
        let word = self.word();
        match word.as_deref() {
            Some(word @ ("step" | "range")) => {
                self.advance();
                (self.expect("(", CONTEXT) && self.expect(")", CONTEXT)).then_some(())?;
                Some(if word == "step" { LengthExpr::Step } else { LengthExpr::Range })
            }
            Some(word @ ("min_of" | "max_of")) => {
                self.advance();
                self.expect("(", CONTEXT).then_some(())?;
                let a = self.sum(depth + 1)?;
                self.expect(",", CONTEXT).then_some(())?;
                let b = self.sum(depth + 1)?;
                self.expect(")", CONTEXT).then_some(())?;
                Some(LengthExpr::Extremum(word == "min_of", Box::new(a), Box::new(b)))
            }
            _ => {
                self.unexpected(context);
                None
            }
        }
    }
}

fn negated(inner: LengthExpr) -> LengthExpr {
    match inner {
        LengthExpr::Number(seconds, duration) => LengthExpr::Number(-seconds, duration),
        other => LengthExpr::Negate(Box::new(other)),
    }
}
