//! Content encodings, undone under a cap: gzip, zstd, snappy's block format, and none.
//!
//! Not streaming: bodies are bounded and read whole. A length that a body declares is checked before memory is taken for it.

use std::borrow::Cow;
use std::io::Read;

use crate::error::{DecodeError, cut};
use crate::limits::Limits;

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentEncoding {
    /// Not at all.
    Identity,
    /// RFC 1952, one or more members.
    Gzip,
    /// RFC 8878, one or more frames.
    Zstd,
    /// Snappy's block format, as remote write uses it.
    Snappy,
}

impl ContentEncoding {
    /// Reads an HTTP `Content-Encoding`; absent or empty means none.
    pub fn from_header(value: Option<&str>) -> Result<Self, DecodeError> {
        match value.map(str::trim).unwrap_or_default() {
            "" => Ok(Self::Identity),
            v if v.eq_ignore_ascii_case("identity") => Ok(Self::Identity),
            v if v.eq_ignore_ascii_case("gzip") => Ok(Self::Gzip),
            v if v.eq_ignore_ascii_case("zstd") => Ok(Self::Zstd),
            v if v.eq_ignore_ascii_case("snappy") => Ok(Self::Snappy),
            v => Err(DecodeError::UnsupportedEncoding { given: cut(v), accepted: "gzip, zstd, snappy or identity" }),
        }
    }
}

/// Undoes the encoding. Never holds more than `limits.decompressed_bytes`, whatever the body claims.
pub fn decompress<'a>(
    body: &'a [u8],
    encoding: ContentEncoding,
    limits: &Limits,
) -> Result<Cow<'a, [u8]>, DecodeError> {
    if body.len() > limits.compressed_bytes {
        return Err(too_large("the request body", limits.compressed_bytes));
    }
    match encoding {
        ContentEncoding::Identity if body.len() > limits.decompressed_bytes => {
            Err(too_large("the request body", limits.decompressed_bytes))
        }
        ContentEncoding::Identity => Ok(Cow::Borrowed(body)),
        ContentEncoding::Gzip => gunzip(body, limits).map(Cow::Owned),
        ContentEncoding::Zstd => unzstd(body, limits).map(Cow::Owned),
        ContentEncoding::Snappy => unsnappy(body, limits).map(Cow::Owned),
    }
}

fn gunzip(body: &[u8], limits: &Limits) -> Result<Vec<u8>, DecodeError> {
    read_capped(flate2::read::MultiGzDecoder::new(body), body.len(), "the gzip body", limits)
}

fn unzstd(body: &[u8], limits: &Limits) -> Result<Vec<u8>, DecodeError> {
    const WHAT: &str = "the zstd body";
    let mut decoder = zstd::stream::read::Decoder::with_buffer(body).map_err(|e| malformed(WHAT, &e))?;
    // The window is memory that a few bytes can ask for; one that is larger than all that may come out is of no use.
    let window = usize::BITS - limits.decompressed_bytes.leading_zeros();
    decoder.window_log_max(window.clamp(10, 31)).map_err(|e| malformed(WHAT, &e))?;
    read_capped(decoder, body.len(), WHAT, limits).map_err(|error| match error {
        // Its frame asks for a larger window than it may have.
        DecodeError::Malformed { reason, .. } if reason.contains("too much memory") => {
            too_large("the decompressed body", limits.decompressed_bytes)
        }
        other => other,
    })
}

/// Reads to the end, and one byte beyond the cap at most.
fn read_capped(
    decoder: impl Read,
    compressed: usize,
    what: &'static str,
    limits: &Limits,
) -> Result<Vec<u8>, DecodeError> {
    let cap = limits.decompressed_bytes;
    let mut out = Vec::with_capacity(compressed.saturating_mul(4).min(cap));
    decoder.take(cap as u64 + 1).read_to_end(&mut out).map_err(|e| malformed(what, &e))?;
    if out.len() > cap {
        return Err(too_large("the decompressed body", cap));
    }
    Ok(out)
}

fn unsnappy(body: &[u8], limits: &Limits) -> Result<Vec<u8>, DecodeError> {
    let declared = snap::raw::decompress_len(body).map_err(|e| malformed("the snappy body", &e))?;
    if declared > limits.decompressed_bytes {
        return Err(too_large("the decompressed body", limits.decompressed_bytes));
    }
    snap::raw::Decoder::new().decompress_vec(body).map_err(|e| malformed("the snappy body", &e))
}

fn too_large(what: &str, limit: usize) -> DecodeError {
    DecodeError::TooLarge { what: what.to_owned(), limit: format!("{limit} bytes") }
}

fn malformed(what: &'static str, error: &dyn std::fmt::Display) -> DecodeError {
    DecodeError::Malformed { what, reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_was_compressed_comes_back() {
        let limits = Limits::default();
        let text = b"watch ".repeat(1_000);
        let snappy = snap::raw::Encoder::new().compress_vec(&text).unwrap();
        assert_eq!(decompress(&gzip(&text), ContentEncoding::Gzip, &limits).unwrap(), text);
        let zstd = zstd::bulk::compress(&text, 3).unwrap();
        assert_eq!(decompress(&zstd, ContentEncoding::Zstd, &limits).unwrap(), text);
        assert_eq!(decompress(&[zstd.clone(), zstd].concat(), ContentEncoding::Zstd, &limits).unwrap(), text.repeat(2));
        assert_eq!(decompress(&snappy, ContentEncoding::Snappy, &limits).unwrap(), text);
        assert_eq!(decompress(&text, ContentEncoding::Identity, &limits).unwrap(), text);
    }

    #[test]
    fn a_gzip_bomb_is_stopped_at_the_cap() {
        let limits = Limits { decompressed_bytes: 1 << 20, ..Limits::default() };
        let bomb = gzip(&vec![0; 64 << 20]);
        assert!(bomb.len() < 100_000);
        let error = decompress(&bomb, ContentEncoding::Gzip, &limits).unwrap_err();
        assert_eq!(error.code().as_str(), "WK1002");
        // The same in many members.
        let members = gzip(&vec![0; 1 << 18]).repeat(8);
        assert_eq!(decompress(&members, ContentEncoding::Gzip, &limits).unwrap_err().code().as_str(), "WK1002");
    }

    #[test]
    fn a_zstd_bomb_and_a_window_of_two_gigabytes_are_stopped() {
        let limits = Limits { decompressed_bytes: 1 << 20, ..Limits::default() };
        let bomb = zstd::bulk::compress(&vec![0; 64 << 20], 19).unwrap();
        assert!(bomb.len() < 100_000);
        assert_eq!(decompress(&bomb, ContentEncoding::Zstd, &limits).unwrap_err().code().as_str(), "WK1002");
        let members = zstd::bulk::compress(&vec![0; 1 << 18], 3).unwrap().repeat(8);
        assert_eq!(decompress(&members, ContentEncoding::Zstd, &limits).unwrap_err().code().as_str(), "WK1002");
        // Magic, a header without a content size, a window of 2^31 bytes, and one raw block of one byte.
        let window = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 0x09, 0x00, 0x00, b'x'];
        let error = decompress(&window, ContentEncoding::Zstd, &Limits::default()).unwrap_err();
        assert_eq!(error.code().as_str(), "WK1002");
    }

    #[test]
    fn twenty_bytes_that_declare_four_gigabytes_are_refused() {
        let mut body = vec![0xff, 0xff, 0xff, 0xff, 0x0f];
        body.resize(20, 0);
        let error = decompress(&body, ContentEncoding::Snappy, &Limits::default()).unwrap_err();
        assert_eq!(error.code().as_str(), "WK1002");
    }

    #[test]
    fn garbage_is_an_error_and_an_unknown_encoding_is_named() {
        for encoding in [ContentEncoding::Gzip, ContentEncoding::Zstd, ContentEncoding::Snappy] {
            assert_eq!(
                decompress(b"\x20\xfe\xfdnot this", encoding, &Limits::default()).unwrap_err().code().as_str(),
                "WK1001"
            );
        }
        let error = ContentEncoding::from_header(Some("br")).unwrap_err();
        assert_eq!(error.code().as_str(), "WK1004");
        assert!(error.to_string().contains("`br`"));
    }
}
