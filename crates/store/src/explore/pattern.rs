//! Patterns of log messages: what is constant in many messages is kept, what varies becomes `<*>`.
//!
//! Not a streaming parser such as Drain (He et al., ICWS 2017): all messages of a window are at hand, so a place in a
//! message is called variable when it is seen to vary (many words at one place of otherwise equal messages) and not
//! because two messages were alike enough. Two outcomes of one message (`accepted`, `declined`) therefore stay two
//! patterns, as a person expects.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use watchkeeper_domain::telemetry::LogRecord;

/// What stands for a variable part.
const VARIABLE: &str = "<*>";
/// So many different words at one place of otherwise equal messages make the place variable.
const MANY: usize = 6;
/// Likewise of pairs of words at two places.
const MANY_PAIRS: usize = 12;
/// Words of a message that count; what follows is left out.
const WORDS: usize = 48;
/// Bytes of a message that count.
const BYTES: usize = 4_096;
/// Above so many different messages, pairs of places are not tried: it would cost more than it tells.
const PAIRS_LIMIT: usize = 4_000;
/// Different messages that are told apart; further ones count together.
const MESSAGES: usize = 50_000;
/// Services that a pattern names.
const SERVICES: usize = 8;

/// Which of the two windows that are compared a record is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// The one that was asked for.
    Now,
    /// The one before it, which says what is new.
    Before,
}

/// Messages of one shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// The constant words, `<*>` where they vary.
    pub text: String,
    /// How many records of the window have it.
    pub count: u64,
    /// How many of the window before had it.
    pub before: u64,
    /// The highest OpenTelemetry severity number among them.
    pub severity: u8,
    /// The services that wrote it, at most eight, sorted.
    pub services: BTreeSet<Arc<str>>,
    /// When the first record of the window was written, in nanoseconds.
    pub first_ns: u64,
    /// When the last one was.
    pub last_ns: u64,
    /// The newest message, in full.
    pub example: String,
    /// The longest text that all of them contain: what to search for. Empty when nothing is constant.
    pub constant: String,
}

#[derive(Debug, Clone, Default)]
struct Group {
    count: u64,
    before: u64,
    severity: u8,
    services: BTreeSet<Arc<str>>,
    first_ns: u64,
    last_ns: u64,
    example: String,
}

impl Group {
    fn add(&mut self, record: &LogRecord, period: Period) {
        match period {
            Period::Before => {
                self.before += 1;
                return;
            }
            Period::Now => self.count += 1,
        }
        self.severity = self.severity.max(record.severity);
        if self.services.len() < SERVICES && !record.service.is_empty() {
            self.services.insert(Arc::clone(&record.service));
        }
        self.first_ns = if self.count == 1 { record.t_ns } else { self.first_ns.min(record.t_ns) };
        if record.t_ns >= self.last_ns {
            self.last_ns = record.t_ns;
            self.example.clear();
            self.example.push_str(head(&record.body, BYTES));
        }
    }

    fn join(&mut self, other: Self) {
        self.first_ns = match (self.count, other.count) {
            (_, 0) => self.first_ns,
            (0, _) => other.first_ns,
            _ => self.first_ns.min(other.first_ns),
        };
        self.count += other.count;
        self.before += other.before;
        self.severity = self.severity.max(other.severity);
        for service in other.services {
            if self.services.len() < SERVICES {
                self.services.insert(service);
            }
        }
        if other.last_ns > self.last_ns {
            self.last_ns = other.last_ns;
            self.example = other.example;
        }
    }
}

type Words = Vec<Arc<str>>;

/// Gathers messages and tells their patterns.
#[derive(Default)]
pub struct Patterns {
    groups: HashMap<Words, Group>,
    words: HashMap<String, Arc<str>>,
}

impl Patterns {
    /// Adds a record. Memory is bounded: beyond 50,000 different messages they count together as `<*>`.
    pub fn add(&mut self, record: &LogRecord, period: Period) {
        let words = self.split(&record.body);
        let words = if self.groups.len() < MESSAGES || self.groups.contains_key(&words) {
            words
        } else {
            vec![VARIABLE.into()]
        };
        self.groups.entry(words).or_default().add(record, period);
    }

    /// The patterns that the window has, the most frequent first.
    #[must_use]
    pub fn finish(self) -> Vec<Pattern> {
        let mut by_length: HashMap<usize, HashMap<Words, Group>> = HashMap::new();
        for (words, group) in self.groups {
            by_length.entry(words.len()).or_default().insert(words, group);
        }
        let variable: Arc<str> = VARIABLE.into();
        let mut patterns: Vec<Pattern> = Vec::new();
        for (length, mut groups) in by_length {
            loop {
                let before = groups.len();
                for place in 0..length {
                    collapse(&mut groups, &[place], MANY, &variable);
                }
                if groups.len() == before {
                    break;
                }
            }
            if (MANY_PAIRS..PAIRS_LIMIT).contains(&groups.len()) {
                for first in 0..length {
                    for second in first + 1..length {
                        collapse(&mut groups, &[first, second], MANY_PAIRS, &variable);
                    }
                }
            }
            patterns
                .extend(groups.into_iter().filter(|(_, g)| g.count > 0).map(|(words, group)| pattern(&words, group)));
        }
        patterns.sort_unstable_by(|a, b| b.count.cmp(&a.count).then_with(|| a.text.cmp(&b.text)));
        patterns
    }

    fn split(&mut self, body: &str) -> Words {
        let message = message(head(body, BYTES));
        let mut words: Words = Vec::new();
        for word in message.split_whitespace() {
            if words.len() == WORDS {
                words.push("…".into());
                break;
            }
            let masked = mask(word);
            let known = self.words.get(&masked).cloned();
            words.push(known.unwrap_or_else(|| {
                let word: Arc<str> = masked.as_str().into();
                if self.words.len() < MESSAGES {
                    self.words.insert(masked, Arc::clone(&word));
                }
                word
            }));
        }
        words
    }
}

/// Makes places variable where at least `many` different words stand there in otherwise equal messages.
fn collapse(groups: &mut HashMap<Words, Group>, places: &[usize], many: usize, variable: &Arc<str>) {
    let mut alike: HashMap<Words, Vec<Words>> = HashMap::new();
    for words in groups.keys() {
        // A place that is variable already says nothing about the others.
        if places.iter().any(|place| words[*place].as_ref() == VARIABLE) {
            continue;
        }
        let mut rest = words.clone();
        for place in places {
            rest[*place] = Arc::clone(variable);
        }
        alike.entry(rest).or_default().push(words.clone());
    }
    for (rest, mut members) in alike {
        // A message of which nothing would be left has no shape to speak of.
        if members.len() < many || rest.iter().all(|word| word.as_ref() == VARIABLE) {
            continue;
        }
        members.sort_unstable();
        for member in members {
            if let Some(group) = groups.remove(&member) {
                groups.entry(rest.clone()).or_default().join(group);
            }
        }
    }
}

fn pattern(words: &[Arc<str>], group: Group) -> Pattern {
    let text = words.join(" ");
    let constant = text
        .split(VARIABLE)
        .map(|piece| piece.trim().trim_end_matches('…').trim_end())
        .filter(|piece| contains(&group.example, piece))
        .max_by_key(|piece| piece.len())
        .unwrap_or("")
        .to_owned();
    Pattern {
        text,
        count: group.count,
        before: group.before,
        severity: group.severity,
        services: group.services,
        first_ns: group.first_ns,
        last_ns: group.last_ns,
        example: group.example,
        constant,
    }
}

/// Words are told apart by any white space; a search is for the text as it was written.
fn contains(example: &str, piece: &str) -> bool {
    !piece.is_empty() && example.contains(piece)
}

/// The text of a structured body, if it has one under the usual names; else the body.
fn message(body: &str) -> std::borrow::Cow<'_, str> {
    if !body.starts_with('{') {
        return body.into();
    }
    let Ok(serde_json::Value::Object(fields)) = serde_json::from_str(body) else { return body.into() };
    let text = ["message", "msg", "event", "body"].iter().find_map(|name| fields.get(*name)?.as_str());
    match text {
        Some(text) => text.to_owned().into(),
        None => format!("{{ {} }}", fields.keys().map(String::as_str).collect::<Vec<_>>().join(" ")).into(),
    }
}

/// The longest beginning of at most so many bytes.
fn head(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    before(text, end)
}

/// The text before a place between two of its characters.
fn before(text: &str, at: usize) -> &str {
    text.split_at_checked(at).map_or(text, |(before, _)| before)
}

/// The text from a place between two of its characters on.
fn from(text: &str, at: usize) -> &str {
    text.split_at_checked(at).map_or("", |(_, after)| after)
}

/// A word with its numbers, ids and times taken out: `id=42,took=3.5ms` is `id=<*>,took=<*>`.
fn mask(word: &str) -> String {
    let mut masked = String::with_capacity(word.len());
    let mut rest = word;
    while let Some(start) = rest.find(|c: char| c.is_alphanumeric()) {
        masked.push_str(before(rest, start));
        let word = from(rest, start);
        let run = uuid(word).unwrap_or_else(|| run(word));
        if varies(run) {
            masked.push_str(VARIABLE)
        } else {
            masked.push_str(run)
        }
        rest = from(word, run.len());
    }
    masked.push_str(rest);
    // An address, a date or a UUID is one variable and not several.
    for joint in ["-", ":", ".", "/"] {
        let several = format!("{VARIABLE}{joint}{VARIABLE}");
        while masked.contains(&several) {
            masked = masked.replace(&several, VARIABLE);
        }
    }
    masked
}

/// The UUID that a text begins with: of its parts some look like words.
fn uuid(text: &str) -> Option<&str> {
    let text = text.get(..36)?;
    let fits = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    text.bytes().enumerate().all(fits).then_some(text)
}

/// Letters and digits, and the point within a number.
fn run(text: &str) -> &str {
    let mut end = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let in_number = c == '.'
            && before(text, at).ends_with(|d: char| d.is_ascii_digit())
            && characters.peek().is_some_and(|(_, d)| d.is_ascii_digit());
        if !c.is_alphanumeric() && !in_number {
            break;
        }
        end = at + c.len_utf8();
    }
    before(text, end)
}

/// Whether letters and digits are an id or a number rather than a name: they begin with a digit, or are long and hexadecimal
/// with a digit among them.
fn varies(run: &str) -> bool {
    let digit = run.bytes().any(|b| b.is_ascii_digit());
    run.starts_with(|c: char| c.is_ascii_digit())
        || (digit && run.len() >= 8 && run.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-'))
        || (run.len() >= 16 && run.bytes().filter(u8::is_ascii_digit).count() >= 4)
}
