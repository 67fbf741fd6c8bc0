//! One record of the log: a header, a checksum, a payload.
//!
//! Layout, little endian: magic `WKF1`, kind u8, flags u8 (1: the payload is zstd), zero u16, stored length u32, raw length
//! u32, written at i64 (ms), first record number u64, oldest and newest time of the content i64 (ms), crc32 u32 over the
//! segment's nonce, the header before it, and the payload. The nonce is in the file's name: a frame that somebody sends us
//! inside a log record is no frame to the reader.

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Series, samples, metadata, exemplars.
    Samples,
    /// Log records.
    Logs,
    /// Spans.
    Spans,
    /// Series and native histograms. Versions before did not know it.
    Histograms,
}

impl Kind {
    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Samples, Self::Logs, Self::Spans, Self::Histograms].into_iter().find(|k| *k as u8 == byte)
    }
}

/// What a header says beside lengths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    /// Milliseconds.
    pub(crate) written: i64,
    /// Number of the first log record or span in it; 0 for samples and histograms.
    pub(crate) first: u64,
    /// Milliseconds.
    pub(crate) oldest: i64,
    /// Milliseconds.
    pub(crate) newest: i64,
}

/// A frame as it lies in a segment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame<'a> {
    pub(crate) header: Header,
    pub(crate) compressed: bool,
    pub(crate) raw_length: usize,
    pub(crate) stored: &'a [u8],
}

const MAGIC: [u8; 4] = *b"WKF1";
const HEADER: usize = 52;
/// Below this a payload is not worth compressing.
const COMPRESS_FROM: usize = 256;
/// The largest raw payload that a reader makes room for.
const RAW_LIMIT: usize = 512 << 20;

/// A frame that cannot be made, or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("a record of {0} bytes is over the limit of the log")]
    TooLarge(usize),
    #[error("a record does not decompress: {0}")]
    Compression(#[source] std::io::Error),
    #[error("a record does not decode: {0}")]
    Content(String),
}

/// Appends a frame to `out`. The checksum is left open until [`seal`], which needs the nonce of the segment.
pub(crate) fn write(header: Header, payload: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
    let raw = u32::try_from(payload.len())
        .ok()
        .filter(|_| payload.len() <= RAW_LIMIT)
        .ok_or(Error::TooLarge(payload.len()))?;
    let compressed = if payload.len() >= COMPRESS_FROM {
        Some(zstd::bulk::compress(payload, 1).map_err(Error::Compression)?).filter(|c| c.len() < payload.len())
    } else {
        None
    };
    let stored = compressed.as_deref().unwrap_or(payload);
    let length = u32::try_from(stored.len()).map_err(|_| Error::TooLarge(stored.len()))?;
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[header.kind as u8, u8::from(compressed.is_some()), 0, 0]);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&raw.to_le_bytes());
    for number in [header.written, header.first.cast_signed(), header.oldest, header.newest] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(stored);
    Ok(())
}

/// Fills in the checksums of all frames in `bytes`.
pub(crate) fn seal(bytes: &mut [u8], nonce: u64) {
    let mut at = 0;
    while let Some(header) = bytes.get(at..at + HEADER) {
        let length = u32_at(header, 8) as usize;
        let crc = checksum(nonce, &header[..48], &bytes[at + HEADER..at + HEADER + length]);
        bytes[at + 48..at + HEADER].copy_from_slice(&crc.to_le_bytes());
        at += HEADER + length;
    }
}

fn checksum(nonce: u64, header: &[u8], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&nonce.to_le_bytes());
    hasher.update(header);
    hasher.update(payload);
    hasher.finalize()
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn i64_at(bytes: &[u8], at: usize) -> i64 {
    bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, i64::from_le_bytes)
}

impl<'a> Frame<'a> {
    /// The frame at the beginning of `bytes`, and its length, when there is a whole and undamaged one.
    fn at(bytes: &'a [u8], nonce: u64) -> Option<(Self, usize)> {
        let header = bytes.get(..HEADER)?;
        if header[..4] != MAGIC {
            return None;
        }
        let length = HEADER + u32_at(header, 8) as usize;
        let stored = bytes.get(HEADER..length)?;
        if checksum(nonce, &header[..48], stored) != u32_at(header, 48) {
            return None;
        }
        let frame = Self {
            header: Header {
                kind: Kind::from_byte(header[4])?,
                written: i64_at(header, 16),
                first: i64_at(header, 24).cast_unsigned(),
                oldest: i64_at(header, 32),
                newest: i64_at(header, 40),
            },
            compressed: header[5] & 1 != 0,
            raw_length: u32_at(header, 12) as usize,
            stored,
        };
        Some((frame, length))
    }

    /// The payload as it was given to [`write`].
    pub(crate) fn payload(&self) -> Result<Vec<u8>, Error> {
        unpack(self.stored, self.compressed, self.raw_length)
    }
}

/// The payload of a frame that was kept apart from its segment.
pub(crate) fn unpack(stored: &[u8], compressed: bool, raw_length: usize) -> Result<Vec<u8>, Error> {
    if raw_length > RAW_LIMIT {
        return Err(Error::TooLarge(raw_length));
    }
    if compressed {
        zstd::bulk::decompress(stored, raw_length).map_err(Error::Compression)
    } else {
        Ok(stored.to_vec())
    }
}

/// A stretch of a segment that holds no readable frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) offset: usize,
    pub(crate) bytes: usize,
    /// Nothing readable follows: a write that was cut off looks like this.
    pub(crate) at_end: bool,
}

/// What stands next in a segment.
pub(crate) enum Item<'a> {
    Frame(Frame<'a>),
    Gap(Gap),
}

/// Reads a segment's bytes from front to back, skipping what is damaged.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    nonce: u64,
    at: usize,
    /// Where the content ends; zeros follow.
    end: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8], nonce: u64) -> Self {
        Self { bytes, nonce, at: 0, end: without_zeros(bytes) }
    }

    /// Where the readable content ends. A payload may end in zeros, so this may lie behind the last byte that is not zero.
    pub(crate) fn position(&self) -> usize {
        self.at
    }
}

/// The length without the zeros at the end. In blocks, because after a crash most of a file is room that was set aside.
fn without_zeros(bytes: &[u8]) -> usize {
    const ZEROS: [u8; 4_096] = [0; 4_096];
    let mut end = bytes.len();
    while let Some(start) = end.checked_sub(ZEROS.len()).filter(|start| bytes[*start..end] == ZEROS) {
        end = start;
    }
    bytes[..end].iter().rposition(|b| *b != 0).map_or(0, |at| at + 1)
}

impl<'a> Iterator for Reader<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        if self.at >= self.end {
            return None;
        }
        if let Some((frame, length)) = Frame::at(&self.bytes[self.at..], self.nonce) {
            self.at += length;
            return Some(Item::Frame(frame));
        }
        let offset = self.at;
        let follows = (offset + 1..self.end)
            .find(|at| self.bytes[*at] == MAGIC[0] && Frame::at(&self.bytes[*at..], self.nonce).is_some());
        self.at = follows.unwrap_or(self.end);
        Some(Item::Gap(Gap { offset, bytes: self.at - offset, at_end: follows.is_none() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn header(first: u64) -> Header {
        Header { kind: Kind::Logs, written: 1, first, oldest: 2, newest: 3 }
    }

    fn three(nonce: u64) -> (Vec<u8>, Vec<usize>) {
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for first in 0..3_u64 {
            write(header(first), &vec![b'a' + first as u8; 200 + 300 * first as usize], &mut bytes).unwrap();
            ends.push(bytes.len());
        }
        seal(&mut bytes, nonce);
        (bytes, ends)
    }

    fn firsts(bytes: &[u8], nonce: u64) -> (Vec<u64>, usize) {
        let (mut firsts, mut gaps) = (Vec::new(), 0);
        for item in Reader::new(bytes, nonce) {
            match item {
                Item::Frame(frame) => {
                    frame.payload().unwrap();
                    firsts.push(frame.header.first);
                }
                Item::Gap(_) => gaps += 1,
            }
        }
        (firsts, gaps)
    }

    #[test]
    fn content_ends_at_its_last_byte_that_is_not_zero_wherever_blocks_begin() {
        for (length, last) in [
            (0, None),
            (1, None),
            (1, Some(0)),
            (4_096, None),
            (8_192, Some(4_095)),
            (8_192, Some(4_096)),
            (20_000, Some(7)),
            (20_000, Some(19_999)),
            (20_000, None),
        ] {
            let mut bytes = vec![0; length];
            if let Some(last) = last {
                bytes[last] = 1;
            }
            assert_eq!(without_zeros(&bytes), last.map_or(0, |at| at + 1), "{length} {last:?}");
        }
    }

    #[test]
    fn preallocated_zeros_are_not_damage() {
        let (mut bytes, _) = three(7);
        bytes.resize(bytes.len() + 4_096, 0);
        assert_eq!(firsts(&bytes, 7), (vec![0, 1, 2], 0));
    }

    #[test]
    fn a_frame_of_another_segment_is_not_read() {
        let (bytes, _) = three(7);
        assert_eq!(firsts(&bytes, 8).0, Vec::<u64>::new());
    }

    proptest! {
        #[test]
        fn a_damaged_byte_loses_only_its_own_record(at in 0_usize..600, flip in 1_u8..=255) {
            let (mut bytes, ends) = three(7);
            let at = at % bytes.len();
            bytes[at] ^= flip;
            let hit = ends.iter().position(|end| at < *end).unwrap() as u64;
            let wanted: Vec<u64> = (0..3).filter(|n| *n != hit).collect();
            prop_assert_eq!(firsts(&bytes, 7), (wanted, 1));
        }

        #[test]
        fn any_prefix_reads_as_the_frames_that_are_whole(length in 0_usize..1_000) {
            let (bytes, ends) = three(7);
            let length = length.min(bytes.len());
            let (read, gaps) = firsts(&bytes[..length], 7);
            prop_assert_eq!(read.len(), ends.iter().filter(|end| **end <= length).count());
            prop_assert!(gaps <= 1);
        }

        #[test]
        fn noise_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
            firsts(&bytes, 0);
        }
    }
}
