//! A body's envelopes, found without reading them: an array, lines, objects one after the other, or a single object.
//!
//! Not JSON's grammar between the envelopes: brackets, commas and white space only separate. Not the envelopes' contents:
//! one that is broken costs itself and not its neighbours.

use crate::error::DecodeError;

/// The bytes of each envelope, or what stands in its place.
pub(super) fn split(body: &[u8], most: usize) -> Result<Vec<Result<&[u8], String>>, DecodeError> {
    let malformed = |reason: String| DecodeError::Malformed { what: "the Application Insights body", reason };
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let mut items = Vec::new();
    let mut at = 0;
    while let Some(&byte) = body.get(at) {
        if matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'[' | b']' | b',') {
            at += 1;
            continue;
        }
        if items.len() == most {
            return Err(DecodeError::TooLarge { what: "the number of envelopes".to_owned(), limit: most.to_string() });
        }
        let rest = &body[at..];
        if byte == b'{' {
            match object(rest) {
                Some(length) => {
                    items.push(Ok(&rest[..length]));
                    at += length;
                }
                None => {
                    items.push(Err(format!("100: the body ends within the envelope that begins at byte {at}")));
                    break;
                }
            }
        } else if items.is_empty() && body[..at].iter().all(|b| *b != b'[') {
            return Err(malformed("it begins neither with an object nor with an array of objects".to_owned()));
        } else {
            items.push(Err(format!("100: there is no envelope at byte {at}")));
            at += rest.iter().position(|b| matches!(b, b',' | b']' | b'\n' | b'{')).unwrap_or(rest.len());
        }
    }
    if items.is_empty() && body.iter().all(|b| b.is_ascii_whitespace()) {
        return Err(malformed("it is empty".to_owned()));
    }
    Ok(items)
}

/// How long the object is that these bytes begin with. None: it has no end.
fn object(bytes: &[u8]) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, byte) in bytes.iter().enumerate() {
        match (quoted, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => quoted = !quoted,
            (false, b'{') => depth += 1,
            (false, b'}') => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}
