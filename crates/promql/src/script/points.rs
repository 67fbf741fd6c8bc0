//! Series as scripts and unit tests write them: `metric{label="value"} 1 2+3x4 _ stale {{count:1 sum:2 buckets:[1]}}`.
//!
//! Not the exposition format. What native histograms look like between their braces is in `histogram`.

use std::sync::Arc;

use watchkeeper_domain::histogram::Histogram;
use watchkeeper_domain::labels::{Labels, NAME};
use watchkeeper_domain::telemetry::STALE_NAN_BITS;

use super::histogram;
use crate::histogram::combine;

/// One point of a series.
#[derive(Debug, Clone, PartialEq)]
pub enum Point {
    /// No sample.
    Missing,
    /// A number, perhaps the stale marker.
    Float(f64),
    /// A native histogram; the flag tells that it says something about counter resets.
    Histogram(Arc<Histogram>, bool),
}

/// What a line of a `load` command tells about its series.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Row {
    Points(Vec<Point>),
    /// From when each point counts, in milliseconds relative to the point.
    Starts(Vec<Option<i64>>),
}

/// The most points that one series may have.
const MAX_POINTS: usize = 1_000_000;

/// Reads a series with its points, as in `metric{label="value"} 1 2+3x4`.
pub fn series(line: &str) -> Result<(Labels, Vec<Point>), String> {
    let mut reader = Reader { rest: line };
    let labels = reader.labels()?;
    Ok((labels, reader.points()?))
}

/// Reads a line of a `load` command: a series with its points, or (`metric@st`) with its start times.
pub(super) fn row(line: &str) -> Result<(Labels, Row), String> {
    let mut reader = Reader { rest: line };
    let labels = reader.labels()?;
    if reader.eat("@st") {
        return Ok((labels, Row::Starts(starts(reader.rest)?)));
    }
    Ok((labels, Row::Points(reader.points()?)))
}

/// Start times: `-1m`, `_`, `-1mx5`, `-30s-1mx2`.
fn starts(text: &str) -> Result<Vec<Option<i64>>, String> {
    let mut out = Vec::new();
    for word in text.split_whitespace() {
        let (body, count) = match word.rsplit_once('x') {
            Some((body, count)) => (body, Some(times(count)?)),
            None => (word, None),
        };
        if body == "_" {
            out.extend(std::iter::repeat_n(None, count.unwrap_or(1)));
            continue;
        }
        let second = body.char_indices().skip(1).find(|(_, c)| matches!(c, '+' | '-')).map(|(at, _)| at);
        let (start, step) = body.split_at(second.unwrap_or(body.len()));
        let length = |text: &str| super::command::duration(text.strip_prefix('+').unwrap_or(text));
        let (mut start, step) = (length(start)?, if step.is_empty() { 0 } else { length(step)? });
        for _ in 0..=count.unwrap_or(0) {
            out.push(Some(start));
            start = start.saturating_add(step);
        }
        if out.len() > MAX_POINTS {
            return Err(format!("the series has more than {MAX_POINTS} start times"));
        }
    }
    Ok(out)
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
            return self.histograms(points);
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

    /// `{{…}}`, `{{…}}x3`, `{{…}}+{{…}}x3`
    fn histograms(&mut self, points: &mut Vec<Point>) -> Result<(), String> {
        let (mut histogram, told) = self.histogram()?;
        let sign = if self.eat("+") {
            Some(1.0)
        } else if self.eat("-") {
            Some(-1.0)
        } else {
            None
        };
        let step = sign.map(|sign| Ok::<_, String>((sign, self.histogram()?.0))).transpose()?;
        let more = self.times()?.unwrap_or(0);
        if more.saturating_add(points.len()) > MAX_POINTS {
            return Err(format!("the series has more than {MAX_POINTS} points"));
        }
        for at in 0..=more {
            if let (Some((sign, step)), true) = (&step, at > 0) {
                let sum = combine(&histogram, step, *sign)
                    .map_err(|_| "histograms with exponential and custom buckets cannot be added".to_owned())?;
                histogram = sum.0.compact();
            }
            points.push(Point::Histogram(Arc::new(histogram.clone()), told));
        }
        Ok(())
    }

    fn histogram(&mut self) -> Result<(Histogram, bool), String> {
        if !self.eat("{{") {
            return Err(format!("no histogram at {:?}", self.rest));
        }
        let end = self.rest.find("}}").ok_or("a histogram does not end")?;
        let body = self.rest.get(..end).unwrap_or("");
        self.rest = self.rest.get(end + 2..).unwrap_or("");
        histogram::read(body)
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
