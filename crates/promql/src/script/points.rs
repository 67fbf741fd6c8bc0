//! Series as scripts write them: `metric{label="value"} 1 2+3x4 _ stale`.
//!
//! Not the exposition format. Native histograms (`{{…}}`) are recognised and not read.

use watchkeeper_domain::labels::{Labels, NAME};
use watchkeeper_domain::telemetry::STALE_NAN_BITS;

/// One point of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Point {
    Missing,
    Float(f64),
    Histogram,
}

/// The most points that one series may have.
const MAX_POINTS: usize = 1_000_000;

/// Reads a series with its points.
pub(super) fn series(line: &str) -> Result<(Labels, Vec<Point>), String> {
    let mut reader = Reader { rest: line };
    let labels = reader.labels()?;
    Ok((labels, reader.points()?))
}

/// Reads a number as Go does, except for hexadecimal: `0x10` is eleven zeros here.
pub(super) fn number(text: &str) -> Option<f64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1.0, digits),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    digits.parse::<f64>().ok().map(|n| sign * n)
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn eat(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Takes characters as long as they fit.
    fn take(&mut self, fits: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !fits(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn labels(&mut self) -> Result<Labels, String> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        let name = self.take(|c| c.is_alphanumeric() || c == '_' || c == ':');
        if !name.is_empty() {
            pairs.push((NAME.to_owned(), name.to_owned()));
        }
        if !self.eat("{") {
            return if name.is_empty() {
                Err(format!("no series at {:?}", self.rest))
            } else {
                Ok(pairs.into_iter().collect())
            };
        }
        loop {
            self.skip_space();
            if self.eat("}") {
                return Ok(pairs.into_iter().collect());
            }
            let quoted = self.rest.starts_with(['"', '\'', '`']);
            let name = if quoted { self.text()? } else { self.take(|c| c.is_alphanumeric() || c == '_').to_owned() };
            self.skip_space();
            if self.eat("=") {
                self.skip_space();
                pairs.push((name, self.text()?));
            } else if quoted {
                pairs.push((NAME.to_owned(), name));
            } else {
                return Err(format!("no label at {:?}", self.rest));
            }
            self.skip_space();
            if !self.eat(",") && !self.rest.starts_with('}') {
                return Err(format!("the labels do not end at {:?}", self.rest));
            }
        }
    }

    fn text(&mut self) -> Result<String, String> {
        let unfinished = || "a text does not end".to_owned();
        let mut chars = self.rest.chars();
        let quote = chars
            .next()
            .filter(|c| matches!(c, '"' | '\'' | '`'))
            .ok_or_else(|| format!("no text at {:?}", self.rest))?;
        let mut out = String::new();
        loop {
            match chars.next().ok_or_else(unfinished)? {
                c if c == quote => break,
                '\\' if quote != '`' => match chars.next().ok_or_else(unfinished)? {
                    'n' => out.push('\n'),
                    't' => out.push('\t'),
                    c => out.push(c),
                },
                c => out.push(c),
            }
        }
        self.rest = chars.as_str();
        Ok(out)
    }

    fn points(&mut self) -> Result<Vec<Point>, String> {
        let mut points = Vec::new();
        loop {
            self.skip_space();
            if self.rest.is_empty() {
                return Ok(points);
            }
            self.item(&mut points)?;
            if points.len() > MAX_POINTS {
                return Err(format!("the series has more than {MAX_POINTS} points"));
            }
        }
    }

    fn item(&mut self, points: &mut Vec<Point>) -> Result<(), String> {
        if self.rest.starts_with("{{") {
            self.histogram()?;
            if self.eat("+") || self.eat("-") {
                self.histogram()?;
            }
            let more = self.times()?.unwrap_or(0);
            points.extend(std::iter::repeat_n(Point::Histogram, more + 1));
            return Ok(());
        }
        if self.eat("_") {
            let count = self.times()?.unwrap_or(1);
            points.extend(std::iter::repeat_n(Point::Missing, count));
            return Ok(());
        }
        if self.eat("stale") {
            let more = self.times()?.unwrap_or(0);
            points.extend(std::iter::repeat_n(Point::Float(f64::from_bits(STALE_NAN_BITS)), more + 1));
            return Ok(());
        }
        let word = self.take(|c| !c.is_whitespace());
        points.extend(expand(word).ok_or_else(|| format!("`{word}` is no point"))?);
        Ok(())
    }

    fn histogram(&mut self) -> Result<(), String> {
        if !self.eat("{{") {
            return Err(format!("no histogram at {:?}", self.rest));
        }
        let end = self.rest.find("}}").ok_or("a histogram does not end")?;
        self.rest = self.rest.get(end + 2..).unwrap_or("");
        Ok(())
    }

    /// `x5`
    fn times(&mut self) -> Result<Option<usize>, String> {
        if !self.eat("x") {
            return Ok(None);
        }
        times(self.take(|c| c.is_ascii_digit())).map(Some)
    }
}

fn times(digits: &str) -> Result<usize, String> {
    digits.parse().ok().filter(|n| *n <= MAX_POINTS).ok_or_else(|| format!("`x{digits}` is no number of repetitions"))
}

/// Expands `1`, `1x4`, `1+2x3`, `1-2x3`.
fn expand(word: &str) -> Option<Vec<Point>> {
    if let Some(v) = number(word) {
        return Some(vec![Point::Float(v)]);
    }
    let (values, count) = word.rsplit_once('x')?;
    let count = times(count).ok()?;
    let (mut v, step) = match number(values) {
        Some(v) => (v, 0.0),
        None => sum(values)?,
    };
    let mut out = Vec::with_capacity(count + 1);
    for _ in 0..=count {
        out.push(Point::Float(v));
        v += step;
    }
    Some(out)
}

/// The start and the step of `1+2` or `1-2`; signs of exponents do not part them.
fn sum(text: &str) -> Option<(f64, f64)> {
    for (at, sign) in text.char_indices().skip(1).filter(|(_, c)| matches!(c, '+' | '-')) {
        let (start, step) = (text.get(..at)?, text.get(at + 1..)?);
        if let (Some(start), Some(step)) = (number(start), number(step)) {
            return Some((start, if sign == '-' { -step } else { step }));
        }
    }
    None
}
