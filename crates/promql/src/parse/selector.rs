//! Selectors: a name, matchers in braces, or both.
//!
//! Not ranges and offsets: those bind to a selector from behind.

use watchkeeper_domain::labels::NAME;
use watchkeeper_domain::matcher::{MatchOp, Matcher};

use super::Parser;
use super::lexer::Kind as TokenKind;
use crate::ast::{Ends, Node, NodeKind, SeriesSelector, Timing};

impl Parser<'_> {
    /// The selector of a name, with the braces that may follow, or of braces alone.
    pub(super) fn selector(&mut self, name: Option<String>, start: usize) -> Node {
        let mut matchers: Vec<Matcher> = name.iter().map(|name| Matcher::equal(NAME, name.as_str())).collect();
        if self.eat_sign("{") {
            self.matchers(&mut matchers);
        }
        let span = self.span_from(start);
        if let Some(name) = &name
            && let Some(twice) = matchers.iter().skip(1).find(|m| m.name == NAME)
        {
            let message = format!("metric name must not be set twice: {name:?} or {:?}", twice.value);
            self.tell(span, message);
        }
        let selector =
            SeriesSelector { matchers, named: name.is_some(), timing: Timing::default(), ends: Ends::Inside };
        Node::new(NodeKind::Selector(selector), span)
    }

    fn matchers(&mut self, matchers: &mut Vec<Matcher>) {
        while !self.stopped && !self.eat_sign("}") {
            let start = self.start();
            let (name, quoted) = match self.peek().clone() {
                TokenKind::Word => (self.shown().to_owned(), false),
                TokenKind::Text(name) => (name, true),
                _ => return self.unexpected(" in label matching, expected identifier or \"}\""),
            };
            self.advance();
            let op = match self.peek() {
                TokenKind::Sign("=") => Some(MatchOp::Equal),
                TokenKind::Sign("!=") => Some(MatchOp::NotEqual),
                TokenKind::Sign("=~") => Some(MatchOp::Match),
                TokenKind::Sign("!~") => Some(MatchOp::NotMatch),
                _ => None,
            };
            match op {
                Some(op) => {
                    self.advance();
                    let TokenKind::Text(value) = self.peek().clone() else {
                        return self.unexpected(" in label matching, expected string");
                    };
                    self.advance();
                    match Matcher::new(name, op, value) {
                        Ok(matcher) => matchers.push(matcher),
                        Err(error) => {
                            let span = self.span_from(start);
                            self.tell(span, error.to_string());
                        }
                    }
                }
                // A quoted text alone is the metric's name.
                None if quoted => matchers.push(Matcher::equal(NAME, name)),
                None => return self.unexpected(" in label matching, expected label matching operator"),
            }
            if !self.eat_sign(",") && !self.is_sign("}") {
                return self.unexpected(" in label matching, expected \",\" or \"}\"");
            }
        }
    }

    /// A selector must ask for something: one that everything without labels matches reads the whole store. Only
    /// `info()` takes any, since it adds conditions of its own.
    pub(super) fn check_matchers(&mut self, node: &Node) {
        if let NodeKind::Selector(selector) | NodeKind::Matrix { selector, .. } = &node.kind
            && selector.matchers.iter().all(|m| m.matches_value(""))
        {
            self.tell(node.span, "vector selector must contain at least one non-empty matcher");
        }
        for (at, child) in node.kind.children().into_iter().enumerate() {
            let of_info = matches!(&node.kind, NodeKind::Call { function, .. } if function.name == "info" && at == 1);
            if !of_info {
                self.check_matchers(child);
            }
        }
    }
}
