//! Operands: literals, parentheses, signs before them, names.
//!
//! Not what binds to an operand from behind: `postfix`.

use super::binary::UNARY;
use super::lexer::Kind as TokenKind;
use super::{Parser, literal};
use crate::aggregation;
use crate::ast::{Kind, Node, NodeKind, Span};

/// Words that are no metric names where an operand begins.
const RESERVED: [&str; 6] = ["bool", "on", "ignoring", "group_left", "group_right", "atan2"];

impl Parser<'_> {
    /// An operand with its signs and all that binds to it.
    pub(super) fn operand(&mut self) -> Node {
        if self.stopped {
            return self.broken();
        }
        let start = self.start();
        let negative = match self.peek() {
            TokenKind::Sign("-") => true,
            TokenKind::Sign("+") => false,
            _ => {
                let node = self.primary();
                return self.postfix(node);
            }
        };
        self.advance();
        let inner = self.binary(UNARY);
        let span = Span { start, end: inner.span.end };
        if let NodeKind::Number(v, duration) = inner.kind {
            return Node::new(NodeKind::Number(if negative { -v } else { v }, duration), span);
        }
        if !inner.is_broken() && !matches!(inner.kind(), Kind::Scalar | Kind::Vector) {
            let kind = inner.kind();
            self.tell(
                span,
                format!(
                    "unary expression only allowed on expressions of type scalar or instant vector, got \"{kind}\""
                ),
            );
        }
        let node = Node::new(NodeKind::Unary { negative, expr: Box::new(inner) }, span);
        if node.depth() > super::MAX_DEPTH {
            self.stopped = true;
        }
        node
    }

    fn primary(&mut self) -> Node {
        let start = self.start();
        match self.peek().clone() {
            TokenKind::Number(_) => match self.number() {
                Some((value, duration)) => Node::new(NodeKind::Number(value, duration), self.span_from(start)),
                None => self.broken(),
            },
            TokenKind::Text(text) => {
                self.advance();
                Node::new(NodeKind::Text(text), self.span_from(start))
            }
            TokenKind::Sign("(") => {
                self.advance();
                let inner = self.binary(0);
                self.expect(")", "");
                Node::new(NodeKind::Paren(Box::new(inner)), self.span_from(start))
            }
            TokenKind::Sign("{") => self.selector(None, start),
            TokenKind::Word => self.name(),
            _ => {
                self.unexpected("");
                self.broken()
            }
        }
    }

    /// What begins with a name: a number, an aggregation, a call or a selector.
    fn name(&mut self) -> Node {
        let start = self.start();
        let word = self.word().unwrap_or_default();
        let special = match word.as_str() {
            "inf" => Some(f64::INFINITY),
            "nan" => Some(f64::NAN),
            _ => None,
        };
        if let Some(value) = special {
            self.advance();
            return Node::new(NodeKind::Number(value, false), self.span_from(start));
        }
        let called = matches!(self.peek_after(), TokenKind::Sign("("));
        if let Some(aggregator) = aggregation::find(&word) {
            let grouped = self.tokens.get(self.at + 1).and_then(|t| self.text.get(t.start..t.end));
            let grouped = grouped.is_some_and(|w| w.eq_ignore_ascii_case("by") || w.eq_ignore_ascii_case("without"));
            if called || grouped {
                return self.aggregate(aggregator);
            }
        }
        if RESERVED.contains(&word.as_str()) {
            self.unexpected("");
            return self.broken();
        }
        if called {
            return self.call();
        }
        let name = self.shown().to_owned();
        self.advance();
        self.selector(Some(name), start)
    }

    /// A number or duration.
    pub(super) fn number(&mut self) -> Option<(f64, bool)> {
        let TokenKind::Number(is_duration) = *self.peek() else {
            self.unexpected("");
            return None;
        };
        let (text, start) = (self.shown(), self.start());
        let value = if is_duration { literal::duration(text) } else { literal::number(text) };
        self.advance();
        match value {
            Ok(value) => Some((value, is_duration)),
            Err(message) => {
                let span = self.span_from(start);
                self.tell(span, message);
                None
            }
        }
    }

    /// A number with a sign, also `Inf` and `NaN`.
    pub(super) fn signed_number(&mut self, context: &str) -> Option<f64> {
        let negative = self.is_sign("-");
        if negative || self.is_sign("+") {
            self.advance();
        }
        let value = match (self.peek(), self.word().as_deref()) {
            (TokenKind::Number(_), _) => self.number()?.0,
            (_, Some("inf")) => {
                self.advance();
                f64::INFINITY
            }
            (_, Some("nan")) => {
                self.advance();
                f64::NAN
            }
            _ => {
                self.unexpected(context);
                return None;
            }
        };
        Some(if negative { -value } else { value })
    }
}
