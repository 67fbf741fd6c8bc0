//! One line of an exposition.
//!
//! Not what lines have to do with each other: the caller knows where the text ends and which metric a comment is about.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use watchkeeper_domain::labels::NAME;

use super::{Exposed, ExposedExemplar, Format, Pairs};
use crate::label::Interner;

/// Why a line cannot be read.
pub(super) struct Fault {
    /// The character at which it goes wrong, from 1.
    pub(super) column: usize,
    pub(super) reason: &'static str,
}

/// What a line says.
pub(super) enum Line {
    Nothing,
    End,
    Sample(Exposed),
    Help(Arc<str>, String),
    Type(Arc<str>, String),
    Unit(Arc<str>, String),
}

/// Reads a line without its end.
pub(super) fn read(line: &str, format: Format, interner: &mut Interner) -> Result<Line, Fault> {
    let mut cursor = Cursor { line, rest: line, format };
    if format == Format::Text {
        cursor.blanks();
    }
    match cursor.peek() {
        None => Ok(Line::Nothing),
        Some('#') => cursor.comment(interner),
        Some(_) => cursor.sample(interner).map(Line::Sample),
    }
}

struct Cursor<'a> {
    line: &'a str,
    /// What is still to be read of it.
    rest: &'a str,
    format: Format,
}

impl<'a> Cursor<'a> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn fault(&self, reason: &'static str) -> Fault {
        let read = self.line.chars().count() - self.rest.chars().count();
        Fault { column: read + 1, reason }
    }

    fn eat(&mut self, expected: char) -> bool {
        let after = self.rest.strip_prefix(expected);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn blanks(&mut self) -> bool {
        let before = self.rest.len();
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        self.rest.len() < before
    }

    /// Everything up to the first character that ends it.
    fn until(&mut self, ends: impl Fn(char) -> bool) -> &'a str {
        let (text, rest) = self.rest.split_at(self.rest.find(ends).unwrap_or(self.rest.len()));
        self.rest = rest;
        text
    }

    fn word(&mut self) -> &'a str {
        self.until(|c| c == ' ' || c == '\t')
    }

    fn comment(&mut self, interner: &mut Interner) -> Result<Line, Fault> {
        if self.line == "# EOF" && self.format == Format::OpenMetrics {
            return Ok(Line::End);
        }
        self.eat('#');
        self.blanks();
        let about = self.word();
        if !matches!(about, "HELP" | "TYPE" | "UNIT") {
            return match self.format {
                // Any other comment is for people.
                Format::Text => Ok(Line::Nothing),
                Format::OpenMetrics => Err(self.fault("OpenMetrics knows HELP, TYPE, UNIT and EOF only")),
            };
        }
        self.blanks();
        let name = if self.peek() == Some('"') { self.quoted()? } else { Cow::Borrowed(self.metric_name()?) };
        let name = interner.get(&name);
        self.blanks();
        let rest = self.rest;
        Ok(match about {
            "HELP" => Line::Help(name, unescape_help(rest)),
            "TYPE" => Line::Type(name, self.kind(rest)?),
            _ => Line::Unit(name, rest.to_owned()),
        })
    }

    fn kind(&self, given: &str) -> Result<String, Fault> {
        let kind = match given.trim_end() {
            "untyped" | "unknown" => "unknown",
            known @ ("counter" | "gauge" | "histogram" | "summary") => known,
            known @ ("gaugehistogram" | "info" | "stateset") if self.format == Format::OpenMetrics => known,
            _ => return Err(self.fault("there is no such type of metric")),
        };
        Ok(kind.to_owned())
    }

    fn sample(&mut self, interner: &mut Interner) -> Result<Exposed, Fault> {
        let mut labels: Pairs = Vec::new();
        if self.peek() != Some('{') {
            let name = self.metric_name()?;
            labels.push((interner.get(NAME), interner.get(name)));
        }
        self.blanks();
        if self.peek() == Some('{') {
            self.labels(&mut labels, true, interner)?;
        }
        if labels.first().is_none_or(|(name, _)| &**name != NAME) {
            return Err(self.fault("the sample has no name"));
        }
        self.blanks();
        let value = self.number("a value is expected here")?;
        let separated = self.blanks();
        let t = match self.peek() {
            None => None,
            Some('#') => None,
            Some(_) if separated => Some(self.time()?),
            Some(_) => return Err(self.fault("a blank is expected here")),
        };
        self.blanks();
        let exemplar = match self.peek() {
            None => None,
            Some('#') if self.format == Format::OpenMetrics => Some(self.exemplar(interner)?),
            Some(_) => return Err(self.fault("nothing more is expected here")),
        };
        Ok(Exposed { labels, value, t, exemplar })
    }

    fn exemplar(&mut self, interner: &mut Interner) -> Result<ExposedExemplar, Fault> {
        self.eat('#');
        self.blanks();
        let mut labels = Pairs::new();
        if self.peek() != Some('{') {
            return Err(self.fault("an exemplar begins with its labels"));
        }
        self.labels(&mut labels, false, interner)?;
        self.blanks();
        let value = self.number("the exemplar's value is expected here")?;
        self.blanks();
        let t = if self.peek().is_some() { Some(self.time()?) } else { None };
        self.blanks();
        match self.peek() {
            None => Ok(ExposedExemplar { labels, value, t }),
            Some(_) => Err(self.fault("nothing more is expected here")),
        }
    }

    /// `{a="b",…}`; a quoted name without a value is the metric's own.
    fn labels(&mut self, labels: &mut Pairs, names_metric: bool, interner: &mut Interner) -> Result<(), Fault> {
        self.eat('{');
        loop {
            self.blanks();
            if self.eat('}') {
                break;
            }
            let quoted = self.peek() == Some('"');
            let name = if quoted { self.quoted()? } else { Cow::Borrowed(self.label_name()?) };
            self.blanks();
            if quoted && names_metric && self.peek() != Some('=') {
                if labels.first().is_some_and(|(name, _)| &**name == NAME) {
                    return Err(self.fault("the metric is named twice"));
                }
                labels.insert(0, (interner.get(NAME), interner.get(&name)));
            } else {
                if !self.eat('=') {
                    return Err(self.fault("`=` is expected here"));
                }
                self.blanks();
                let value = self.quoted()?;
                if name == NAME {
                    return Err(self.fault("a metric's name stands before the braces or quoted in them"));
                }
                labels.push((interner.get(&name), interner.get(&value)));
            }
            self.blanks();
            if !self.eat(',') && self.peek() != Some('}') {
                return Err(self.fault("`,` or `}` is expected here"));
            }
        }
        let mut seen = HashSet::with_capacity(labels.len());
        if labels.iter().all(|(name, _)| seen.insert(Arc::clone(name))) {
            Ok(())
        } else {
            Err(self.fault("a label comes twice"))
        }
    }

    fn metric_name(&mut self) -> Result<&'a str, Fault> {
        self.name(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
    }

    fn label_name(&mut self) -> Result<&'a str, Fault> {
        self.name(|c| c.is_ascii_alphanumeric() || c == '_')
    }

    fn name(&mut self, part: impl Fn(char) -> bool) -> Result<&'a str, Fault> {
        if self.peek().is_none_or(|c| !part(c) || c.is_ascii_digit()) {
            return Err(self.fault("a name is expected here"));
        }
        Ok(self.until(|c| !part(c)))
    }

    /// A text in quotation marks, its escapes undone: `\\`, `\"` and `\n`.
    fn quoted(&mut self) -> Result<Cow<'a, str>, Fault> {
        if !self.eat('"') {
            return Err(self.fault("a quotation mark is expected here"));
        }
        let endless = self.fault("the quotation mark that ends this is missing");
        let plain = self.until(|c| c == '"' || c == '\\');
        if self.eat('"') {
            return Ok(Cow::Borrowed(plain));
        }
        let mut text = plain.to_owned();
        let mut chars = self.rest.chars();
        while let Some(c) = chars.next() {
            match c {
                '"' => {
                    self.rest = chars.as_str();
                    return Ok(Cow::Owned(text));
                }
                '\\' => match chars.next() {
                    Some('n') => text.push('\n'),
                    Some(c @ ('"' | '\\')) => text.push(c),
                    Some(c) => text.extend(['\\', c]),
                    None => break,
                },
                c => text.push(c),
            }
        }
        Err(endless)
    }

    fn number(&mut self, missing: &'static str) -> Result<f64, Fault> {
        let fault = self.fault(missing);
        let value = number(self.word()).ok_or(fault)?;
        // One pattern of bits for all NaNs: others mean something to whoever stores them.
        Ok(if value.is_nan() { f64::NAN } else { value })
    }

    /// Milliseconds.
    fn time(&mut self) -> Result<i64, Fault> {
        let fault = self.fault("this is not a time");
        let word = self.word();
        let milliseconds = match self.format {
            Format::Text => word.parse::<i64>().ok(),
            Format::OpenMetrics => number(word).filter(|s| s.is_finite()).map(|s| s * 1_000.0).and_then(whole),
        };
        milliseconds.ok_or(fault)
    }
}

/// A number as Go writes and reads it; Rust's own reading differs in hexadecimal ones only, which nobody exposes.
fn number(word: &str) -> Option<f64> {
    word.parse().ok()
}

/// The nearest whole number, if it is one of 64 bits.
fn whole(value: f64) -> Option<i64> {
    const LIMIT: f64 = 9_007_199_254_740_992.0;
    let rounded = value.round();
    #[expect(clippy::cast_possible_truncation, reason = "checked: below 2^53")]
    (rounded.abs() < LIMIT).then_some(rounded as i64)
}

fn unescape_help(text: &str) -> String {
    if !text.contains('\\') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, c == '\\') {
            (_, true) => match chars.next() {
                Some('n') => out.push('\n'),
                Some(c @ ('\\' | '"')) => out.push(c),
                Some(c) => out.extend(['\\', c]),
                None => out.push('\\'),
            },
            (c, false) => out.push(c),
        }
    }
    out
}
