//! Cuts a template into text and actions, and an action into words.
//!
//! Not the grammar: `parse` knows what may follow what.
#![expect(clippy::string_slice, reason = "offsets come from searches in the same text, or follow ASCII")]

use super::TemplateError;

/// A word of an action, with its offset in the template.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) offset: usize,
    /// Whether white space stands before it: `$x .y` is two operands, `$x.y` is one.
    pub(super) spaced: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Word(String),
    /// `.name`
    Field(String),
    /// A dot alone.
    Dot,
    /// `$name`, without the dollar sign; empty for `$`.
    Variable(String),
    Text(String),
    Int(i64),
    Float(f64),
    Pipe,
    Open,
    Close,
    /// `:=`
    Declare,
    /// `=`
    Assign,
    Comma,
}

/// A piece of a template.
#[derive(Debug, PartialEq)]
pub(super) enum Piece {
    Text(String),
    Action { tokens: Vec<Token>, offset: usize },
}

pub(super) fn pieces(text: &str) -> Result<Vec<Piece>, TemplateError> {
    let mut out = Vec::new();
    let (mut at, mut trim_next) = (0, false);
    loop {
        let rest = &text[at..];
        let open = rest.find("{{");
        let plain = &rest[..open.unwrap_or(rest.len())];
        let plain = if trim_next { plain.trim_start() } else { plain };
        let Some(open) = open else {
            push_text(&mut out, plain);
            return Ok(out);
        };
        let start = at + open + 2;
        // Go's trim markers: `{{- ` and ` -}}`, with the white space.
        let trims = text[start..].strip_prefix('-').is_some_and(|t| t.starts_with([' ', '\t', '\r', '\n']));
        push_text(&mut out, if trims { plain.trim_end() } else { plain });
        let inner = start + usize::from(trims);
        if text[inner..].trim_start().starts_with("/*") {
            let end = text[inner..].find("*/").ok_or_else(|| error(start, "the comment is not closed with `*/}}`"))?;
            let after = text[inner + end + 2..].trim_start();
            let (rest, trim) = match after.strip_prefix("-}}") {
                Some(rest) => (rest, true),
                None => (after.strip_prefix("}}").ok_or_else(|| error(start, "a comment ends with `*/}}`"))?, false),
            };
            (at, trim_next) = (text.len() - rest.len(), trim);
            continue;
        }
        let (tokens, end, trim) = action(text, inner)?;
        out.push(Piece::Action { tokens, offset: start - 2 });
        (at, trim_next) = (end, trim);
    }
}

fn push_text(out: &mut Vec<Piece>, text: &str) {
    if !text.is_empty() {
        out.push(Piece::Text(text.to_owned()));
    }
}

fn error(offset: usize, reason: impl Into<String>) -> TemplateError {
    TemplateError { offset, reason: reason.into() }
}

/// Reads the words of one action. Gives them, the offset after `}}`, and whether white space after it is trimmed.
fn action(text: &str, start: usize) -> Result<(Vec<Token>, usize, bool), TemplateError> {
    let mut tokens = Vec::new();
    let mut at = start;
    loop {
        let before = at;
        at += text[at..].len() - text[at..].trim_start_matches([' ', '\t', '\r', '\n']).len();
        let spaced = at > before;
        let rest = &text[at..];
        if spaced && rest.starts_with("-}}") {
            return Ok((tokens, at + 3, true));
        }
        if rest.starts_with("}}") {
            return Ok((tokens, at + 2, false));
        }
        let Some(first) = rest.chars().next() else {
            return Err(error(start.saturating_sub(2), "the action is not closed with `}}`"));
        };
        let (kind, length) = token(rest, first).map_err(|reason| error(at, reason))?;
        tokens.push(Token { kind, offset: at, spaced });
        at += length;
    }
}

fn name_length(text: &str) -> usize {
    text.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(text.len())
}

fn token(rest: &str, first: char) -> Result<(Kind, usize), String> {
    let single = |kind| Ok((kind, 1));
    match first {
        '|' => single(Kind::Pipe),
        '(' => single(Kind::Open),
        ')' => single(Kind::Close),
        ',' => single(Kind::Comma),
        ':' if rest.starts_with(":=") => Ok((Kind::Declare, 2)),
        '=' => single(Kind::Assign),
        '"' => quoted(rest),
        '`' => {
            let end = rest[1..].find('`').ok_or("the raw text is not closed with a back quote")?;
            Ok((Kind::Text(rest[1..=end].to_owned()), end + 2))
        }
        '$' => {
            let length = name_length(&rest[1..]);
            Ok((Kind::Variable(rest[1..=length].to_owned()), length + 1))
        }
        '.' if !rest[1..].starts_with(|c: char| c.is_ascii_digit()) => {
            let length = name_length(&rest[1..]);
            let kind = if length == 0 { Kind::Dot } else { Kind::Field(rest[1..=length].to_owned()) };
            Ok((kind, length + 1))
        }
        '0'..='9' | '.' | '+' | '-' => number(rest),
        c if c == '_' || c.is_alphabetic() => {
            let length = name_length(rest);
            Ok((Kind::Word(rest[..length].to_owned()), length))
        }
        c => Err(format!("`{}` has no meaning inside `{{{{ }}}}`", c.escape_default())),
    }
}

fn quoted(rest: &str) -> Result<(Kind, usize), String> {
    let mut out = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((Kind::Text(out), at + 1)),
            '\n' => break,
            '\\' => match chars.next() {
                Some((_, 'n')) => out.push('\n'),
                Some((_, 't')) => out.push('\t'),
                Some((_, 'r')) => out.push('\r'),
                Some((_, c @ ('"' | '\\' | '\''))) => out.push(c),
                Some((_, c)) => return Err(format!("`\\{c}` is not known; accepted: \\n, \\t, \\r, \\\", \\\\")),
                None => break,
            },
            c => out.push(c),
        }
    }
    Err("the text is not closed with a double quote".to_owned())
}

fn number(rest: &str) -> Result<(Kind, usize), String> {
    let sign = usize::from(rest.starts_with(['+', '-']));
    let mut length = sign;
    let bytes = rest.as_bytes();
    while let Some(b) = bytes.get(length) {
        let exponent_sign = matches!(b, b'+' | b'-') && matches!(bytes[length - 1], b'e' | b'E');
        if !(b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E') || (length > sign && exponent_sign)) {
            break;
        }
        length += 1;
    }
    let text = &rest[..length];
    let kind = match (text.parse::<i64>(), text.parse::<f64>()) {
        (Ok(i), _) => Kind::Int(i),
        (_, Ok(f)) => Kind::Float(f),
        _ => return Err(format!("`{}` is not a number", rest.chars().take(20).collect::<String>())),
    };
    Ok((kind, length))
}
