//! Calls of functions, with the checks of their arguments.
//!
//! Not aggregations.

use regex::{Regex, RegexBuilder};

use super::Parser;
use crate::ast::{Ends, Node, NodeKind, Span};
use crate::function;

/// The largest compiled regular expression of `label_replace`, in bytes.
const REGEX_SIZE_LIMIT: usize = 1 << 20;

impl Parser<'_> {
    pub(super) fn call(&mut self) -> Node {
        let start = self.start();
        let name = self.shown();
        self.advance();
        let name_span = self.span_from(start);
        let args = self.arguments();
        let span = self.span_from(start);
        let Some(function) = function::find(name) else {
            self.tell(name_span, format!("unknown function with name {name:?}"));
            return self.broken();
        };
        if self.stopped {
            return self.broken();
        }
        if let Err((at, message)) = function.check(&args) {
            let span = at.and_then(|at| args.get(at)).map_or(span, |arg| arg.span);
            self.tell(span, message);
            return self.broken();
        }
        let selects_labels = function.name == "info";
        for (at, arg) in args.iter().enumerate() {
            match &arg.kind {
                NodeKind::Selector(selector) if selects_labels && at == 1 && selector.named => {
                    self.tell(arg.span, "expected label selectors only, got vector selector instead");
                }
                NodeKind::Matrix { selector, .. } => {
                    if let Err(message) = ends_fit(function.name, selector.ends) {
                        self.tell(arg.span, message);
                    }
                }
                _ => {}
            }
        }
        let regex = if function.name == "label_replace" { self.replace_regex(span, &args) } else { None };
        Node::new(NodeKind::Call { function, args, regex }, span)
    }

    /// Arguments in parentheses, separated by commas.
    pub(super) fn arguments(&mut self) -> Vec<Node> {
        let mut args = Vec::new();
        if !self.expect("(", "") {
            return args;
        }
        while !self.stopped && !self.eat_sign(")") {
            args.push(self.binary(0));
            let comma = self.start();
            if self.eat_sign(",") {
                if self.is_sign(")") {
                    let span = Span { start: comma, end: comma + 1 };
                    self.tell(span, "trailing commas not allowed in function call args");
                }
            } else if !self.is_sign(")") {
                self.unexpected("");
            }
        }
        args
    }

    /// The regular expression of `label_replace`, so that a wrong one is known before the first evaluation.
    fn replace_regex(&mut self, span: Span, args: &[Node]) -> Option<Regex> {
        let Some(NodeKind::Text(pattern)) = args.get(4).map(|arg| &arg.bare().kind) else { return None };
        match RegexBuilder::new(&format!("^(?s:{pattern})$")).size_limit(REGEX_SIZE_LIMIT).build() {
            Ok(regex) => Some(regex),
            Err(_) => {
                self.tell(span, format!("invalid regular expression in label_replace(): {pattern}"));
                None
            }
        }
    }
}

/// Whether a selector's ends fit a function: the message says which functions there are.
fn ends_fit(function: &str, ends: Ends) -> Result<(), String> {
    let (modifier, fitting): (&str, &[&str]) = match ends {
        Ends::Inside => return Ok(()),
        Ends::Anchored => ("anchored", &["changes", "delta", "increase", "rate", "resets"]),
        Ends::Smoothed => ("smoothed", &["delta", "increase", "rate"]),
    };
    if fitting.contains(&function) {
        return Ok(());
    }
    Err(format!("{modifier} modifier can only be used with: {} - not with {function}", fitting.join(", ")))
}
