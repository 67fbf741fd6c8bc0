//! Tokens of an expression with their places in the text.
//!
//! Not the grammar. A text that cannot be split ends in an error token, so that the parser reports it where it gets there.

use super::literal;

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    End,
    /// The rest of the text cannot be read; the message says why.
    Error(String),
    /// A number or a duration; the flag tells durations.
    Number(bool),
    /// A name or keyword; colons only outside of braces and brackets.
    Word,
    /// A quoted text, resolved.
    Text(String),
    /// An operator or a bracket.
    Sign(&'static str),
}

/// One token.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Where the lexer is: some characters mean something else inside of brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Plain,
    Braces,
    Brackets,
}

/// Signs outside of braces, longer ones first.
const PLAIN: &[&str] = &[
    "==", "!=", "<=", "</", ">=", ">/", "<", ">", "=", "+", "-", "*", "/", "%", "^", "(", ")", "[", "]", "{", ",", "@",
];
/// Signs between braces.
const BRACES: &[&str] = &["=~", "!~", "!=", "=", ",", "}"];
/// Signs between brackets.
const BRACKETS: &[&str] = &["+", "-", "*", "/", "%", "^", "(", ")", ",", ":", "]"];

/// Splits a text; the last token is `End` or `Error`.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { text, at: 0, place: Place::Plain, depth: 0, out: Vec::new() };
    while lexer.step() {}
    lexer.out
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    place: Place,
    /// Open parentheses, so that a closing one without an opening one is told.
    depth: usize,
    out: Vec<Token>,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn push(&mut self, kind: Kind, length: usize) -> bool {
        let start = self.at;
        self.at += length;
        self.out.push(Token { kind, start, end: self.at });
        true
    }

    fn fail(&mut self, message: String, start: usize) -> bool {
        self.out.push(Token { kind: Kind::Error(message), start, end: self.text.len() });
        false
    }

    /// Reads one token; says whether to go on.
    fn step(&mut self) -> bool {
        let rest = self.rest();
        let trimmed = rest.trim_start_matches([' ', '\t', '\n', '\r']);
        self.at += rest.len() - trimmed.len();
        if trimmed.starts_with('#') {
            self.at += trimmed.find('\n').unwrap_or(trimmed.len());
            return true;
        }
        let Some(first) = trimmed.chars().next() else { return self.finish() };
        match self.place {
            Place::Plain => self.plain(trimmed, first),
            Place::Braces => self.braces(trimmed, first),
            Place::Brackets => self.brackets(trimmed, first),
        }
    }

    fn finish(&mut self) -> bool {
        let message = match self.place {
            Place::Braces => "unexpected end of input inside braces",
            Place::Brackets => "unexpected end of input in duration expression",
            Place::Plain if self.depth > 0 => "unclosed left parenthesis",
            Place::Plain => {
                self.push(Kind::End, 0);
                return false;
            }
        };
        self.fail(message.to_owned(), self.text.len())
    }

    fn plain(&mut self, rest: &str, first: char) -> bool {
        if let Some(sign) = sign(PLAIN, rest) {
            match sign {
                "=" if rest.starts_with("=~") => {
                    return self.fail("unexpected character after '=': '~'".to_owned(), self.at);
                }
                "(" => self.depth += 1,
                ")" if self.depth == 0 => {
                    return self.fail("unexpected right parenthesis ')'".to_owned(), self.at);
                }
                ")" => self.depth -= 1,
                "{" => self.place = Place::Braces,
                "[" => self.place = Place::Brackets,
                "]" => return self.fail("unexpected right bracket ']'".to_owned(), self.at),
                _ => {}
            }
            return self.push(Kind::Sign(sign), sign.len());
        }
        match first {
            '"' | '\'' | '`' => self.quoted(rest),
            '0'..='9' => self.number(rest),
            '.' if rest.chars().nth(1).is_some_and(|c| c.is_ascii_digit()) => self.number(rest),
            'a'..='z' | 'A'..='Z' | '_' | ':' => self.word(rest, |c| c.is_ascii_alphanumeric() || c == '_' || c == ':'),
            '!' => match rest.chars().nth(1) {
                Some(after) => self.fail(format!("unexpected character after '!': {after:?}"), self.at),
                None => self.fail("unexpected end of input after '!'".to_owned(), self.at),
            },
            other => self.fail(format!("unexpected character: {other:?}"), self.at),
        }
    }

    fn braces(&mut self, rest: &str, first: char) -> bool {
        if let Some(sign) = sign(BRACES, rest) {
            if sign == "}" {
                self.place = Place::Plain;
            }
            return self.push(Kind::Sign(sign), sign.len());
        }
        match first {
            '"' | '\'' | '`' => self.quoted(rest),
            'a'..='z' | 'A'..='Z' | '_' => self.word(rest, |c| c.is_ascii_alphanumeric() || c == '_'),
            other => self.fail(format!("unexpected character inside braces: {other:?}"), self.at),
        }
    }

    fn brackets(&mut self, rest: &str, first: char) -> bool {
        if let Some(sign) = sign(BRACKETS, rest) {
            if sign == "]" {
                self.place = Place::Plain;
            }
            return self.push(Kind::Sign(sign), sign.len());
        }
        match first {
            '0'..='9' | '.' => self.number(rest),
            'a'..='z' | 'A'..='Z' | '_' => {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
                let word = rest.get(..end).unwrap_or(rest);
                let known = ["step", "range", "min_of", "max_of"];
                if known.iter().any(|known| word.eq_ignore_ascii_case(known)) {
                    return self.push(Kind::Word, end);
                }
                // After a whole duration only the colon of a subquery may follow.
                let after_value = matches!(self.out.last().map(|t| &t.kind), Some(Kind::Number(_) | Kind::Sign(")")));
                let expected = if after_value { ", expected ':'" } else { "" };
                self.fail(format!("unexpected character: {first:?}{expected}"), self.at)
            }
            other => self.fail(format!("unexpected character in duration expression: {other:?}"), self.at),
        }
    }

    fn word(&mut self, rest: &str, fits: impl Fn(char) -> bool) -> bool {
        let length = rest.find(|c| !fits(c)).unwrap_or(rest.len());
        self.push(Kind::Word, length)
    }

    fn number(&mut self, rest: &str) -> bool {
        match literal::scan(rest) {
            Ok((length, is_duration)) => self.push(Kind::Number(is_duration), length),
            Err(length) => {
                let shown = rest.get(..length).unwrap_or(rest);
                self.fail(format!("bad number or duration syntax: {shown:?}"), self.at)
            }
        }
    }

    fn quoted(&mut self, rest: &str) -> bool {
        match literal::quoted(rest) {
            Ok((text, length)) => self.push(Kind::Text(text), length),
            Err(message) => self.fail(message, self.at),
        }
    }
}

fn sign(signs: &'static [&'static str], rest: &str) -> Option<&'static str> {
    signs.iter().copied().find(|sign| rest.starts_with(sign))
}
