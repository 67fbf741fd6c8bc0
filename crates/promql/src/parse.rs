//! From text to a checked tree. It never fails: what is wrong is told in diagnostics, and stands as a broken node.
//!
//! Not evaluation, and not the caps on a text, which `caps` checks before anything is read.
//!
//! A Pratt parser: `binary` climbs by precedence, `primary` reads operands, `postfix` what binds to an operand.

mod aggregate;
mod binary;
mod call;
mod caps;
mod length;
mod lexer;
mod literal;
mod postfix;
mod primary;
mod selector;

use lexer::{Kind as TokenKind, Token};

use crate::ast::{Node, NodeKind, Span};
use crate::error::{Diagnostic, ParseError};

/// How deep a tree may be: the parser recurses, and so does evaluation.
const MAX_DEPTH: usize = 128;
/// How many diagnostics are kept.
const MAX_DIAGNOSTICS: usize = 32;

/// Parses and checks an expression, or tells the first thing that is wrong with it.
pub(crate) fn parse(text: &str) -> Result<Node, ParseError> {
    caps::check(text)?;
    let (node, diagnostics) = tree(text)?;
    match diagnostics.into_iter().next() {
        None => Ok(node),
        Some(first) => Err(ParseError::syntax(text, first)),
    }
}

/// All that is wrong with a text, in the order in which it was found; empty for an expression.
pub(crate) fn diagnose(text: &str) -> Vec<Diagnostic> {
    match caps::check(text).and_then(|()| tree(text)) {
        Ok((_, diagnostics)) => diagnostics,
        Err(error) => vec![Diagnostic { start: 0, end: text.len(), message: error.to_string() }],
    }
}

fn tree(text: &str) -> Result<(Node, Vec<Diagnostic>), ParseError> {
    let mut parser = Parser {
        text,
        tokens: lexer::tokens(text),
        at: 0,
        diagnostics: Vec::new(),
        stopped: false,
        nesting: 0,
        too_deep: false,
    };
    if matches!(parser.peek(), TokenKind::End) {
        parser.tell(Span::default(), "no expression found in input");
        return Ok((parser.broken(), parser.diagnostics));
    }
    let node = parser.binary(0);
    if parser.too_deep || node.depth() > MAX_DEPTH {
        return Err(ParseError::TooLarge { what: format!("operators and calls nest deeper than {MAX_DEPTH}") });
    }
    if !parser.stopped && !matches!(parser.peek(), TokenKind::End) {
        parser.unexpected("");
    }
    if !parser.stopped {
        parser.check_matchers(&node);
    }
    Ok((node, parser.diagnostics))
}

/// The parser's state. After the first error of grammar it is stopped: everything later would follow from that error.
struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    diagnostics: Vec<Diagnostic>,
    stopped: bool,
    /// How many operands are being read inside each other.
    nesting: usize,
    too_deep: bool,
}

impl<'a> Parser<'a> {
    fn token(&self) -> &Token {
        // The last token is never consumed, so there always is one.
        self.tokens
            .get(self.at)
            .or(self.tokens.last())
            .unwrap_or(const { &Token { kind: TokenKind::End, start: 0, end: 0 } })
    }

    fn peek(&self) -> &TokenKind {
        &self.token().kind
    }

    fn peek_after(&self) -> &TokenKind {
        self.tokens.get(self.at + 1).map_or(&TokenKind::End, |t| &t.kind)
    }

    fn start(&self) -> usize {
        self.token().start
    }

    /// The end of the token before.
    fn last_end(&self) -> usize {
        self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or(0, |t| t.end)
    }

    fn span_from(&self, start: usize) -> Span {
        Span { start, end: self.last_end().max(start) }
    }

    fn advance(&mut self) {
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
    }

    /// The text of the current token.
    fn shown(&self) -> &'a str {
        let token = self.token();
        self.text.get(token.start..token.end).unwrap_or("")
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.peek(), TokenKind::Sign(s) if *s == sign)
    }

    fn eat_sign(&mut self, sign: &str) -> bool {
        let found = self.is_sign(sign);
        if found {
            self.advance();
        }
        found
    }

    /// The current token as a word in lower case.
    fn word(&self) -> Option<String> {
        matches!(self.peek(), TokenKind::Word).then(|| self.shown().to_ascii_lowercase())
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), TokenKind::Word) && self.shown().eq_ignore_ascii_case(word)
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.advance();
        }
        found
    }

    /// Reads a sign that must come; what else comes is told.
    fn expect(&mut self, sign: &str, context: &str) -> bool {
        let found = self.eat_sign(sign);
        if !found {
            self.unexpected(context);
        }
        found
    }

    fn tell(&mut self, span: Span, message: impl Into<String>) {
        if self.diagnostics.len() < MAX_DIAGNOSTICS {
            self.diagnostics.push(Diagnostic { start: span.start, end: span.end, message: message.into() });
        }
    }

    /// Tells that the current token does not belong here, and stops.
    fn unexpected(&mut self, context: &str) {
        if self.stopped {
            return;
        }
        self.stopped = true;
        let token = self.token().clone();
        let shown = self.shown();
        let what = match &token.kind {
            TokenKind::Error(message) => {
                let message = message.clone();
                return self.tell(Span { start: token.start, end: token.end }, message);
            }
            TokenKind::End => "end of input".to_owned(),
            TokenKind::Number(false) => format!("number {shown:?}"),
            TokenKind::Number(true) => format!("duration {shown:?}"),
            TokenKind::Text(_) => format!("string {shown}"),
            TokenKind::Word => match shown.to_ascii_lowercase() {
                word if KEYWORDS.contains(&word.as_str()) => format!("<{word}>"),
                _ => format!("identifier {shown:?}"),
            },
            TokenKind::Sign(sign) if matches!(*sign, "(" | ")" | "{" | "}" | "[" | "]" | "," | "=" | ":") => {
                format!("{sign:?}")
            }
            TokenKind::Sign(sign) => format!("<op:{sign}>"),
        };
        self.tell(Span { start: token.start, end: token.end }, format!("unexpected {what}{context}"));
    }

    fn broken(&self) -> Node {
        Node::new(NodeKind::Broken, Span { start: self.start(), end: self.start() })
    }
}

/// Words that error messages show as keywords.
const KEYWORDS: [&str; 10] =
    ["by", "without", "on", "ignoring", "group_left", "group_right", "bool", "offset", "anchored", "smoothed"];
