//! Bytes of a file as records: lines, and lines joined to the record that they continue.
//!
//! Pure. Not a file: positions are counted from where reading began.

use regex::Regex;

/// The longest line, and the longest record, in bytes. What is longer is cut, and said to be.
pub(super) const MOST_LINE: usize = 64 << 10;
pub(super) const MOST_RECORD: usize = 256 << 10;

/// A whole record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) text: String,
    /// Whether it was longer than it may be.
    pub(super) cut: bool,
    /// Whether some of its bytes were no UTF-8.
    pub(super) broken: bool,
}

/// Joins bytes to records.
#[derive(Debug)]
pub(super) struct Lines {
    start: Option<Regex>,
    /// A line that has not ended.
    line: Vec<u8>,
    line_cut: bool,
    /// A record that may go on.
    record: Option<Line>,
    /// Where the next byte stands in the file.
    position: u64,
    /// Where the first byte stands whose record was not given out yet.
    open: u64,
    /// Where the unfinished line begins.
    line_from: u64,
}

impl Lines {
    pub(super) fn new(start: Option<Regex>, position: u64) -> Self {
        Self { start, line: Vec::new(), line_cut: false, record: None, position, open: position, line_from: position }
    }

    /// Where reading goes on.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Up to here every record was given out.
    pub(super) fn given(&self) -> u64 {
        self.open
    }

    /// Takes bytes that follow those before.
    pub(super) fn push(&mut self, mut bytes: &[u8], out: &mut Vec<Line>) {
        while let Some(end) = bytes.iter().position(|b| *b == b'\n') {
            let (line, rest) = bytes.split_at(end);
            self.extend(line);
            self.position += end as u64 + 1;
            bytes = rest.get(1..).unwrap_or_default();
            self.end_line(out);
        }
        self.extend(bytes);
        self.position += bytes.len() as u64;
    }

    fn extend(&mut self, bytes: &[u8]) {
        let room = MOST_LINE - self.line.len();
        self.line.extend(bytes.iter().take(room));
        self.line_cut |= bytes.len() > room;
    }

    fn end_line(&mut self, out: &mut Vec<Line>) {
        let bytes = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&bytes);
        let broken = matches!(text, std::borrow::Cow::Owned(_));
        let text = text.strip_suffix('\r').unwrap_or(&text).to_owned();
        let line = Line { text, cut: std::mem::take(&mut self.line_cut), broken };
        let begins = self.start.as_ref().is_none_or(|start| start.is_match(&line.text));
        match (&mut self.record, begins) {
            (Some(record), false) => {
                if record.text.len() + line.text.len() < MOST_RECORD {
                    record.text.push('\n');
                    record.text.push_str(&line.text);
                    record.cut |= line.cut;
                } else {
                    record.cut = true;
                }
                record.broken |= line.broken;
            }
            _ => {
                // Whatever was open ends where this line begins.
                self.give(self.line_from, out);
                self.record = Some(line);
            }
        }
        self.line_from = self.position;
        if self.start.is_none() {
            self.give(self.position, out);
        }
    }

    fn give(&mut self, up_to: u64, out: &mut Vec<Line>) {
        if let Some(record) = self.record.take()
            && !record.text.is_empty()
        {
            out.push(record);
        }
        self.open = up_to;
    }

    /// Nothing came for a while: a record that could go on ends. A line without its end is still being written.
    pub(super) fn quiet(&mut self, out: &mut Vec<Line>) {
        if self.record.is_some() {
            self.give(self.line_from, out);
        }
    }

    /// Nothing will come any more.
    pub(super) fn finish(&mut self, out: &mut Vec<Line>) {
        if !self.line.is_empty() {
            self.end_line(out);
        }
        self.give(self.position, out);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(out: &[Line]) -> Vec<&str> {
        out.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn lines_are_given_when_they_end_and_positions_follow() {
        let (mut lines, mut out) = (Lines::new(None, 100), Vec::new());
        lines.push(b"one\r\n\ntw", &mut out);
        assert_eq!((texts(&out), lines.position(), lines.given()), (vec!["one"], 108, 106));
        lines.quiet(&mut out);
        lines.push(b"o\n", &mut out);
        assert_eq!((texts(&out), lines.given()), (vec!["one", "two"], 110));
        lines.push(b"last", &mut out);
        lines.finish(&mut out);
        assert_eq!((texts(&out), lines.given()), (vec!["one", "two", "last"], 114));
    }

    #[test]
    fn lines_that_begin_nothing_continue_the_record_before() {
        let start = Some(Regex::new(r"^\d{4}-").unwrap());
        let (mut lines, mut out) = (Lines::new(start, 0), Vec::new());
        lines.push(b"2026- error\n  at a\n  at b\n2026- next\n", &mut out);
        assert_eq!((texts(&out), lines.given()), (vec!["2026- error\n  at a\n  at b"], 26));
        lines.push(b"  at", &mut out);
        lines.quiet(&mut out);
        assert_eq!((texts(&out).last().copied(), lines.given()), (Some("2026- next"), 37));
    }

    #[test]
    fn what_is_too_long_is_cut_and_what_is_no_text_is_marked() {
        let (mut lines, mut out) = (Lines::new(None, 0), Vec::new());
        lines.push(&[vec![b'x'; MOST_LINE + 9], b"\ncaf\xe9\n".to_vec()].concat(), &mut out);
        assert!(out[0].cut && out[0].text.len() == MOST_LINE && !out[1].cut && out[1].broken);
        assert_eq!(out[1].text, "caf\u{fffd}");
    }

    proptest! {
        #[test]
        fn how_the_bytes_are_cut_changes_nothing(bytes in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'2'), Just(b' '), any::<u8>()], 0..300), size in 1_usize..50) {
            for start in [None, Some(Regex::new("^2").unwrap())] {
                let (mut whole, mut all) = (Lines::new(start.clone(), 0), Vec::new());
                whole.push(&bytes, &mut all);
                let (mut cut, mut pieces) = (Lines::new(start, 0), Vec::new());
                bytes.chunks(size).for_each(|piece| cut.push(piece, &mut pieces));
                prop_assert_eq!(&all, &pieces);
                prop_assert_eq!((whole.given(), whole.position()), (cut.given(), bytes.len() as u64));
                whole.finish(&mut all);
                prop_assert_eq!(whole.given(), bytes.len() as u64);
            }
        }
    }
}
