//! A segment: its name, and what is known about it without reading it.
//!
//! Not its content: `frame` reads that.

use std::fmt;

use super::frame::{Header, Kind};

/// A segment's name: a number that only grows, and a random number that its checksums depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SegmentName {
    pub(crate) sequence: u64,
    pub(crate) nonce: u64,
}

impl fmt::Display for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{:016x}.wklog", self.sequence, self.nonce)
    }
}

impl SegmentName {
    /// Reads a file's name; `None` when it is not a segment.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let (sequence, nonce) = name.strip_suffix(".wklog")?.split_once('-')?;
        let number = |text: &str| u64::from_str_radix(text, 16).ok().filter(|_| text.len() == 16);
        Some(Self { sequence: number(sequence)?, nonce: number(nonce)? })
    }
}

/// The times that records of one kind in a segment span, in milliseconds, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) oldest: i64,
    pub(crate) newest: i64,
}

/// What is known about a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SegmentInfo {
    pub(crate) name: SegmentName,
    /// Bytes of content.
    pub(crate) bytes: u64,
    /// Bytes on disk, room set aside included.
    pub(crate) allocated: u64,
    /// When it was last written, in milliseconds; 0 when never.
    pub(crate) written: i64,
    ranges: [Option<Range>; 4],
}

impl SegmentInfo {
    pub(crate) fn empty(name: SegmentName, allocated: u64) -> Self {
        Self { name, bytes: 0, allocated, written: 0, ranges: [None; 4] }
    }

    /// Takes a frame into account.
    pub(crate) fn cover(&mut self, extent: &Header) {
        self.written = self.written.max(extent.written);
        let range =
            self.ranges[extent.kind as usize].get_or_insert(Range { oldest: extent.oldest, newest: extent.newest });
        range.oldest = range.oldest.min(extent.oldest);
        range.newest = range.newest.max(extent.newest);
    }

    /// The times that its content of one kind spans.
    pub(crate) fn range(&self, kind: Kind) -> Option<Range> {
        self.ranges[kind as usize]
    }
}
