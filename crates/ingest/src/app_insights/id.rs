//! Application Insights' identifiers as trace and span ids.
//!
//! Not a lookup: the same text always becomes the same id, whoever sends it, so that what belongs together stays together.
//! SDKs of today send W3C ids as they are; older ones send UUIDs, `|trace.span.` or any text.

use sha2::{Digest, Sha256};

/// An operation id as a trace id of 32 hexadecimal digits; empty for none and for zeros, which mean none.
pub(super) fn trace(text: &str) -> String {
    let text = text.trim();
    let plain: String = text.chars().filter(|c| *c != '-').map(|c| c.to_ascii_lowercase()).collect();
    if plain.is_empty() || plain.bytes().all(|b| b == b'0') {
        String::new()
    } else if is_hex(&plain, 32) {
        plain
    } else {
        hex(&Sha256::digest(text), 16)
    }
}

/// An item's or a parent's id as a span id of 16 hexadecimal digits; empty for none and for zeros.
pub(super) fn span(text: &str) -> String {
    let text = text.trim();
    // Request-Id of the time before W3C: `|trace.span.`.
    let last = text.strip_prefix('|').map(|t| t.trim_end_matches('.')).and_then(|t| t.rsplit('.').next());
    let short = last.unwrap_or(text).to_ascii_lowercase();
    if is_hex(&short, 16) {
        return if short.bytes().all(|b| b == b'0') { String::new() } else { short };
    }
    if text.is_empty() || text.bytes().all(|b| b == b'0') { String::new() } else { hex(&Sha256::digest(text), 8) }
}

/// An id for an item that has none of its own.
pub(super) fn made(digest: &[u8; 32], bytes: usize) -> String {
    hex(digest, bytes)
}

/// The first sixteen bytes of a digest as a number.
pub(super) fn number(digest: &[u8; 32]) -> u128 {
    digest.iter().take(16).fold(0, |number, byte| number << 8 | u128::from(*byte))
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn hex(digest: &[u8], bytes: usize) -> String {
    digest.iter().take(bytes).fold(String::with_capacity(bytes * 2), |mut out, byte| {
        use std::fmt::Write as _;
        // Writing into a String cannot fail.
        let _infallible = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_every_age_become_w3c_ids() {
        assert_eq!(trace("C9781077A9C23352CCFDD558FA86873F"), "c9781077a9c23352ccfdd558fa86873f");
        assert_eq!(trace("c9781077-a9c2-3352-ccfd-d558fa86873f"), "c9781077a9c23352ccfdd558fa86873f");
        assert_eq!((trace(""), trace("00000000000000000000000000000000")), (String::new(), String::new()));
        assert_eq!(span("3b0d9eb1c9bee5d8"), "3b0d9eb1c9bee5d8");
        assert_eq!(span("|c9781077a9c23352ccfdd558fa86873f.3b0d9eb1c9bee5d8."), "3b0d9eb1c9bee5d8");
        assert_eq!(span("|c9781077a9c23352ccfdd558fa86873f.3b0d9eb1c9bee5d8"), "3b0d9eb1c9bee5d8");
        assert_eq!((span("0000000000000000"), span("")), (String::new(), String::new()));
        let (a, b) = (span("88bcf43e447e403092fc7049927c8343"), span("av"));
        assert!(is_hex(&a, 16) && is_hex(&b, 16) && a != b);
        assert_eq!(a, span(" 88bcf43e447e403092fc7049927c8343 "), "the same text, the same id");
        assert!(is_hex(&trace("order 7"), 32));
    }
}
