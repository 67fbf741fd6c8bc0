//! Messages in a stream: counted octets (RFC 6587, 3.4.1), or one on each line (3.4.2), told apart by the first character
//! of each message, as rsyslog and syslog-ng do.
//!
//! Not their meaning.

use super::MOST_BYTES;

/// Cuts a stream into messages.
#[derive(Debug, Default)]
pub struct Framer {
    buffer: Vec<u8>,
    /// The rest of a line that is too long is thrown away.
    skipping: bool,
}

/// A stream cannot be read on: the message that is announced is too long, and where the next one begins is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a message of {0} octets is announced; the limit is {MOST_BYTES}")]
pub struct TooLong(pub u64);

/// What a message begins with.
enum Beginning {
    /// A count of octets; where the message begins behind it.
    Count { octets: u64, from: usize },
    /// A line.
    Line,
    /// More has to come.
    Open,
}

/// A count is a number, a space and the `<` of a priority: lines may begin with a number as well.
fn beginning(rest: &[u8]) -> Beginning {
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    if digits == 0 || digits > 10 || rest.first() == Some(&b'0') {
        return Beginning::Line;
    }
    match (rest.get(digits), rest.get(digits + 1)) {
        (None, _) | (Some(b' '), None) => Beginning::Open,
        (Some(b' '), Some(b'<')) => {
            let number = rest.get(..digits).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
            number.map_or(Beginning::Line, |octets| Beginning::Count { octets, from: digits + 1 })
        }
        _ => Beginning::Line,
    }
}

impl Framer {
    /// Takes what was read, and gives the messages that are whole now.
    ///
    /// # Errors
    /// When the beginning of the next message cannot be found; messages before it are in `out` already.
    pub fn push(&mut self, read: &[u8], out: &mut Vec<Vec<u8>>) -> Result<(), TooLong> {
        self.buffer.extend_from_slice(read);
        let mut at = 0;
        let result = loop {
            match self.next(at) {
                Ok(Some((message, next))) => {
                    if let Some((from, to)) = message {
                        out.extend(self.buffer.get(from..to).map(<[u8]>::to_vec));
                    }
                    at = next;
                }
                Ok(None) => break Ok(()),
                Err(broken) => break Err(broken),
            }
        };
        self.buffer.drain(..at);
        result
    }

    /// What is left when the stream ends: a last line without its end.
    #[must_use]
    pub fn finish(mut self) -> Option<Vec<u8>> {
        let counted = matches!(beginning(&self.buffer), Beginning::Count { .. });
        (!self.skipping && !counted && !self.buffer.is_empty()).then(|| std::mem::take(&mut self.buffer))
    }

    /// The message that begins at `at`, if it is whole: its place, and where the next one begins.
    #[expect(clippy::type_complexity, reason = "two places of which one may be absent")]
    fn next(&mut self, at: usize) -> Result<Option<(Option<(usize, usize)>, usize)>, TooLong> {
        let Some(rest) = self.buffer.get(at..).filter(|rest| !rest.is_empty()) else { return Ok(None) };
        if !self.skipping {
            match beginning(rest) {
                Beginning::Count { octets, from } => {
                    let length = usize::try_from(octets).ok().filter(|length| *length <= MOST_BYTES);
                    let length = length.ok_or(TooLong(octets))?;
                    let from = at + from;
                    let whole = self.buffer.len() >= from + length;
                    return Ok(whole.then_some((Some((from, from + length)), from + length)));
                }
                Beginning::Open => return Ok(None),
                Beginning::Line => {}
            }
        }
        match rest.iter().position(|b| *b == b'\n' || *b == 0) {
            Some(end) => {
                let kept = (!self.skipping && end > 0).then_some((at, at + end.min(MOST_BYTES)));
                self.skipping = false;
                Ok(Some((kept, at + end + 1)))
            }
            None if rest.len() > MOST_BYTES => {
                // As much as may be is kept, and the rest of the line is not a message of its own.
                let kept = (!self.skipping).then_some((at, at + MOST_BYTES));
                self.skipping = true;
                Ok(Some((kept, self.buffer.len())))
            }
            None => Ok(None),
        }
    }
}
