//! What of a request was refused: how much, and each different reason once.
//!
//! Not an answer in any protocol's form; `otlp::Answer` and the remote write receiver make those of it.

use std::fmt::Write as _;

/// Different reasons that are kept; further ones are only counted.
const REASONS: usize = 16;
/// Bytes of a reason that are kept.
const REASON_BYTES: usize = 300;

/// What was refused, as it is counted while a request is mapped.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Refused {
    count: u64,
    reasons: Vec<(String, u64)>,
    /// Parts that were refused for reasons beyond those kept.
    unnamed: u64,
}

impl Refused {
    /// Counts so many parts with this reason. Zero parts: something that the sender should know, and nothing refused.
    pub(crate) fn add(&mut self, count: u64, reason: impl FnOnce() -> String) {
        self.count += count;
        let mut reason = reason();
        if reason.len() > REASON_BYTES {
            let end = (0..=REASON_BYTES).rev().find(|at| reason.is_char_boundary(*at)).unwrap_or(0);
            reason.truncate(end);
            reason.push('…');
        }
        if let Some((_, known)) = self.reasons.iter_mut().find(|(known, _)| *known == reason) {
            *known += count;
        } else if self.reasons.len() < REASONS {
            self.reasons.push((reason, count));
        } else {
            self.unnamed += count;
        }
    }

    /// How many parts.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Each different reason, in the order in which they came up, with how many parts it cost where those are several.
    pub(crate) fn message(&self) -> String {
        let mut text = String::new();
        for (reason, count) in &self.reasons {
            if !text.is_empty() {
                text.push_str("; ");
            }
            text.push_str(reason);
            if *count > 1 {
                // Writing into a String cannot fail.
                let _infallible = write!(text, " (×{count})");
            }
        }
        if self.unnamed > 0 {
            let _infallible = write!(text, "; {} more for other reasons", self.unnamed);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_told_once_each_and_stay_short() {
        let mut refused = Refused::default();
        refused.add(1, || "no time".to_owned());
        refused.add(2, || "no value".to_owned());
        refused.add(1, || "no time".to_owned());
        refused.add(0, || "a word of advice".to_owned());
        assert_eq!((refused.count(), refused.message().as_str()), (4, "no time (×2); no value (×2); a word of advice"));
        for n in 0..1_000 {
            refused.add(1, || format!("{n} {}", "ü".repeat(1_000)));
        }
        assert_eq!(refused.count(), 1_004);
        assert!(refused.message().len() < 8_000 && refused.message().ends_with("; 987 more for other reasons"));
    }
}
