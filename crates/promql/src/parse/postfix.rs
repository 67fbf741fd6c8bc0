//! What binds to an operand from behind: ranges, subqueries, `offset`, `@`, `anchored`, `smoothed`.
//!
//! Not the lengths inside of them: `length`.

use super::Parser;
use super::lexer::Kind as TokenKind;
use crate::ast::{At, Ends, Kind, Length, Node, NodeKind, SeriesSelector, Span, Timing};

impl Parser<'_> {
    pub(super) fn postfix(&mut self, mut node: Node) -> Node {
        let mut has_offset = false;
        while !self.stopped {
            let start = node.span.start;
            match (self.peek(), self.word().as_deref()) {
                (TokenKind::Sign("["), _) => {
                    node = self.window(node);
                    has_offset = false;
                }
                (TokenKind::Sign("@"), _) => self.at_modifier(&mut node),
                (_, Some("offset")) => {
                    let before = node.span;
                    self.advance();
                    let length = self.offset_length();
                    match timing(&mut node) {
                        _ if has_offset => self.tell(before, "offset may not be set multiple times"),
                        Some(timing) => timing.offset = length,
                        None => self.misplaced(before, "offset"),
                    }
                    has_offset = true;
                }
                (_, Some(word @ ("anchored" | "smoothed"))) => {
                    let (word, before) = (word.to_owned(), node.span);
                    self.advance();
                    match selector(&mut node) {
                        Some(s) if s.ends == Ends::Inside => {
                            s.ends = if word == "anchored" { Ends::Anchored } else { Ends::Smoothed };
                        }
                        Some(_) => self.tell(before, "only one of anchored and smoothed may be set, and once"),
                        None => self.tell(
                            before,
                            format!("{word} modifier must be preceded by an instant or range vector selector"),
                        ),
                    }
                }
                _ => break,
            }
            node.span = self.span_from(start);
        }
        if matches!(&node.kind, NodeKind::Selector(selector) if selector.ends == Ends::Anchored) {
            self.tell(node.span, "anchored modifier can only be used with a range vector selector");
        }
        node
    }

    fn misplaced(&mut self, span: Span, what: &str) {
        let preceded = "must be preceded by an instant vector selector or range vector selector or a subquery";
        self.tell(span, format!("{what} modifier {preceded}"));
    }

    fn at_modifier(&mut self, node: &mut Node) {
        let before = node.span;
        self.advance();
        let at = match self.word().as_deref() {
            Some(word @ ("start" | "end")) => {
                let at = if word == "start" { At::Start } else { At::End };
                self.advance();
                self.expect("(", " in @, expected \"(\"");
                self.expect(")", " in @, expected \")\"");
                at
            }
            _ => {
                let Some(seconds) = self.signed_number(" in @, expected timestamp") else { return };
                let ms = seconds * 1000.0;
                if !ms.is_finite() || ms.abs() >= 9.223_372_036_854_775e18 {
                    let shown = crate::order::shown(seconds);
                    return self.tell(before, format!("timestamp out of bounds for @ modifier: {shown}"));
                }
                At::Time(ms.round() as i64)
            }
        };
        match timing(node) {
            Some(timing) if timing.at.is_some() => self.tell(before, "@ <timestamp> may not be set multiple times"),
            Some(timing) => timing.at = Some(at),
            None => self.misplaced(before, "@"),
        }
    }

    /// `[5m]` or `[5m:1m]`
    fn window(&mut self, node: Node) -> Node {
        let open = self.start();
        self.advance();
        let range = self.positive_length();
        let colon = !self.stopped && self.eat_sign(":");
        let step = if colon && !self.is_sign("]") { Some(self.positive_length()) } else { None };
        self.expect("]", " in duration expression, expected \"]\"");
        if self.stopped {
            return node;
        }
        let span = self.span_from(node.span.start);
        if colon {
            return self.subquery(node, range, step, span);
        }
        let brackets = self.span_from(open);
        match node.kind {
            NodeKind::Selector(selector) => {
                if selector.timing.at.is_some() {
                    self.tell(brackets, "no @ modifiers allowed before range");
                } else if selector.timing.offset != Length::default() {
                    self.tell(brackets, "no offset modifiers allowed before range");
                } else if selector.ends != Ends::Inside {
                    self.tell(brackets, "no anchored or smoothed modifiers allowed before range");
                }
                Node::new(NodeKind::Matrix { selector, range }, span)
            }
            _ => {
                if !node.is_broken() {
                    self.tell(brackets, "ranges only allowed for vector selectors");
                }
                node
            }
        }
    }

    fn subquery(&mut self, node: Node, range: Length, step: Option<Length>, span: Span) -> Node {
        if !node.is_broken() && node.kind() != Kind::Vector {
            let kind = match node.kind() {
                Kind::Matrix => "matrix",
                Kind::Text => "string",
                _ => "scalar",
            };
            self.tell(span, format!("subquery is only allowed on instant vector, got {kind} instead"));
        }
        let kind = NodeKind::Subquery { expr: Box::new(node), range, step, timing: Timing::default() };
        let node = Node::new(kind, span);
        if node.depth() > super::MAX_DEPTH {
            self.stopped = true;
        }
        node
    }
}

fn timing(node: &mut Node) -> Option<&mut Timing> {
    match &mut node.kind {
        NodeKind::Selector(selector) | NodeKind::Matrix { selector, .. } => Some(&mut selector.timing),
        NodeKind::Subquery { timing, .. } => Some(timing),
        _ => None,
    }
}

fn selector(node: &mut Node) -> Option<&mut SeriesSelector> {
    match &mut node.kind {
        NodeKind::Selector(selector) | NodeKind::Matrix { selector, .. } => Some(selector),
        _ => None,
    }
}
