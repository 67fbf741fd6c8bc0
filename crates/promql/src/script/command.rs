//! The commands of a script.
//!
//! Not their effect.

use watchkeeper_domain::labels::Labels;

use super::points::{self, Point, Row};
use crate::annotation::Severity;

/// One command.
#[derive(Debug)]
pub(super) enum Command {
    Clear,
    Load(Load),
    Evaluate(Evaluation),
}

/// `load`
#[derive(Debug)]
pub(super) struct Load {
    pub(super) step_ms: i64,
    pub(super) series: Vec<(Labels, Vec<Point>)>,
    /// From when the points of a series count, in milliseconds relative to each.
    pub(super) starts: Vec<(Labels, Vec<Option<i64>>)>,
    /// `load_with_nhcb`: the same as native histograms with custom buckets, too.
    pub(super) with_custom_buckets: bool,
}

/// How a message is compared.
#[derive(Debug, Clone)]
pub(super) enum Wanted {
    Any,
    Text(String),
    Regex(regex::Regex),
}

/// `eval`
#[derive(Debug)]
pub(super) struct Evaluation {
    pub(super) expr: String,
    /// The moment, or the start of the range.
    pub(super) at_ms: i64,
    /// End and step of a range query.
    pub(super) range: Option<(i64, i64)>,
    pub(super) fail: Option<Wanted>,
    pub(super) annotations: Vec<(Severity, Wanted)>,
    pub(super) no_info: bool,
    pub(super) no_warn: bool,
    pub(super) ordered: bool,
    /// Start and step of the expected range vector.
    pub(super) range_vector: Option<(i64, i64)>,
    pub(super) text: Option<String>,
    pub(super) scalar: Option<f64>,
    pub(super) series: Vec<(Labels, Vec<Point>)>,
}

type Read = (usize, Result<Command, (String, String)>);

/// Reads all commands with their lines. A command ends before an empty line or a comment.
pub(super) fn read(text: &str) -> Vec<Read> {
    let lines = text.lines().map(str::trim).map(|l| if l.starts_with('#') { "" } else { l });
    let mut lines = lines.enumerate().peekable();
    let mut commands = Vec::new();
    while let Some((at, head)) = lines.next() {
        if head.is_empty() {
            continue;
        }
        let mut body = Vec::new();
        if head != "clear" {
            while let Some((_, line)) = lines.next_if(|(_, line)| !line.is_empty()) {
                body.push(line);
            }
        }
        commands.push((at + 1, command(head, &body).map_err(|reason| (head.to_owned(), reason))));
    }
    commands
}

fn command(head: &str, body: &[&str]) -> Result<Command, String> {
    let (word, rest) = head.split_once(char::is_whitespace).unwrap_or((head, ""));
    match word {
        "clear" => Ok(Command::Clear),
        "load" | "load_with_nhcb" => {
            let (mut series, mut starts) = (Vec::new(), Vec::new());
            for line in body {
                match points::row(line)? {
                    (labels, Row::Points(points)) => series.push((labels, points)),
                    (labels, Row::Starts(of)) => starts.push((labels, of)),
                }
            }
            let with_custom_buckets = word == "load_with_nhcb";
            Ok(Command::Load(Load { step_ms: duration(rest.trim())?, series, starts, with_custom_buckets }))
        }
        "eval" | "eval_fail" | "eval_warn" | "eval_info" | "eval_ordered" => {
            let mut evaluation = evaluation(rest.trim())?;
            match word {
                "eval_fail" => evaluation.fail = Some(Wanted::Any),
                "eval_warn" => evaluation.annotations.push((Severity::Warning, Wanted::Any)),
                "eval_info" => evaluation.annotations.push((Severity::Info, Wanted::Any)),
                "eval_ordered" => evaluation.ordered = true,
                _ => {}
            }
            body.iter().try_for_each(|line| expectation(&mut evaluation, line))?;
            Ok(Command::Evaluate(evaluation))
        }
        _ => Err(format!("`{word}` is no command")),
    }
}

fn evaluation(text: &str) -> Result<Evaluation, String> {
    let mut rest = text;
    let mut word = || {
        let (word, after) = rest.trim_start().split_once(char::is_whitespace).unwrap_or((rest.trim_start(), ""));
        rest = after;
        word
    };
    let (at_ms, range) = match word() {
        "instant" => {
            word();
            (duration(word())?, None)
        }
        "range" => {
            word();
            let start = duration(word())?;
            word();
            let end = duration(word())?;
            word();
            (start, Some((end, duration(word())?)))
        }
        other => return Err(format!("`{other}` is neither instant nor range")),
    };
    Ok(Evaluation {
        expr: rest.trim().to_owned(),
        at_ms,
        range,
        fail: None,
        annotations: Vec::new(),
        no_info: false,
        no_warn: false,
        ordered: false,
        range_vector: None,
        text: None,
        scalar: None,
        series: Vec::new(),
    })
}

fn expectation(evaluation: &mut Evaluation, line: &str) -> Result<(), String> {
    if let Some(message) = line.strip_prefix("expected_fail_message") {
        evaluation.fail = Some(Wanted::Text(message.trim().to_owned()));
        return Ok(());
    }
    if let Some(pattern) = line.strip_prefix("expected_fail_regexp") {
        evaluation.fail = Some(Wanted::Regex(regex(pattern.trim())?));
        return Ok(());
    }
    let Some(rest) = line.strip_prefix("expect ") else {
        if let Some(v) = points::number(line) {
            evaluation.scalar = Some(v);
        } else {
            evaluation.series.push(points::series(line)?);
        }
        return Ok(());
    };
    let rest = rest.trim();
    let (kind, how) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let how = how.trim();
    match kind {
        "fail" => evaluation.fail = Some(wanted(how)?),
        "warn" => evaluation.annotations.push((Severity::Warning, wanted(how)?)),
        "info" => evaluation.annotations.push((Severity::Info, wanted(how)?)),
        "no_warn" => evaluation.no_warn = true,
        "no_info" => evaluation.no_info = true,
        "ordered" => evaluation.ordered = true,
        "string" => evaluation.text = Some(unquoted(how)),
        "range" => {
            // vector from START to END step STEP
            let words: Vec<&str> = how.split_whitespace().collect();
            let ["vector", "from", start, "to", _, "step", step] = words.as_slice() else {
                return Err(format!("`{line}` is no expectation"));
            };
            evaluation.range_vector = Some((duration(start)?, duration(step)?));
        }
        _ => return Err(format!("`{line}` is no expectation")),
    }
    Ok(())
}

fn wanted(how: &str) -> Result<Wanted, String> {
    if let Some(text) = how.strip_prefix("msg:") {
        return Ok(Wanted::Text(unquoted(text.trim())));
    }
    match how.strip_prefix("regex:") {
        Some(pattern) => Ok(Wanted::Regex(regex(&unquoted(pattern.trim()))?)),
        None => Ok(Wanted::Any),
    }
}

fn unquoted(text: &str) -> String {
    let inner = ['"', '`', '\''].into_iter().find_map(|q| text.strip_prefix(q)?.strip_suffix(q));
    inner.unwrap_or(text).to_owned()
}

fn regex(pattern: &str) -> Result<regex::Regex, String> {
    regex::RegexBuilder::new(pattern).size_limit(1 << 20).build().map_err(|e| e.to_string())
}

/// A duration or a plain number of seconds, in milliseconds; may be negative.
pub(super) fn duration(text: &str) -> Result<i64, String> {
    let wrong = || format!("`{text}` is no duration");
    let (sign, digits) = text.strip_prefix('-').map_or((1.0, text), |rest| (-1.0, rest));
    if let Ok(seconds) = digits.parse::<f64>() {
        return Ok((sign * seconds * 1000.0).round() as i64);
    }
    let mut rest = digits;
    let mut total = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let (count, after) = rest.split_at(end);
        let unit_end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let size = match unit {
            "ms" => 1.0,
            "s" => 1e3,
            "m" => 6e4,
            "h" => 3.6e6,
            "d" => 8.64e7,
            "w" => 6.048e8,
            "y" => 3.1536e10,
            _ => return Err(wrong()),
        };
        total += count.parse::<f64>().map_err(|_| wrong())? * size;
        rest = after;
    }
    Ok((sign * total).round() as i64)
}
