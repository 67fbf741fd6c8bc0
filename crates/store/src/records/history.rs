//! Older records, read back from the log's segments.
//!
//! Not fast: each segment in question is read and its frames of the wanted time decoded. Bounded by the bytes read.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::disk::Disk;
use crate::log::Segments;
use crate::log::frame::{Error, Frame, Item, Kind, Reader};

/// Bytes of segments that one question may read.
const READ_LIMIT: u64 = 1 << 30;

/// The way to the segments.
pub(crate) struct History {
    disk: Arc<dyn Disk>,
    segments: Segments,
}

/// Which records are wanted.
pub(crate) struct Wanted {
    pub(crate) kind: Kind,
    /// Milliseconds, both included.
    pub(crate) since: i64,
    pub(crate) until: i64,
    /// Only records with numbers below this.
    pub(crate) before: u64,
}

impl History {
    pub(crate) fn new(disk: Arc<dyn Disk>, segments: Segments) -> Self {
        Self { disk, segments }
    }

    /// Hands records to `visit`, newest frame first, a frame at a time, until it breaks. False when not everything in
    /// question could be read.
    pub(crate) fn scan<T>(
        &self,
        wanted: &Wanted,
        decode: impl Fn(&[u8]) -> Result<Vec<T>, Error>,
        mut visit: impl FnMut(Vec<T>) -> ControlFlow<()>,
    ) -> bool {
        let overlaps = |oldest: i64, newest: i64| oldest <= wanted.until && newest >= wanted.since;
        let segments: Vec<_> = {
            let all = self.segments.lock();
            all.iter()
                .rev()
                .filter(|s| s.range(wanted.kind).is_some_and(|r| overlaps(r.oldest, r.newest)))
                .cloned()
                .collect()
        };
        let (mut complete, mut read) = (true, 0);
        for segment in segments {
            read += segment.bytes;
            if read > READ_LIMIT {
                return false;
            }
            let bytes = match self.disk.read(&segment.name.to_string()) {
                Ok(bytes) => bytes,
                // Retention took it meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    tracing::warn!(segment = %segment.name, %error, "a segment cannot be read for a query");
                    complete = false;
                    continue;
                }
            };
            let committed = bytes.get(..usize::try_from(segment.bytes).unwrap_or(usize::MAX)).unwrap_or(&bytes);
            let mut frames: Vec<Frame<'_>> = Vec::new();
            for item in Reader::new(committed, segment.name.nonce) {
                match item {
                    Item::Frame(f)
                        if f.header.kind == wanted.kind
                            && f.header.first < wanted.before
                            && overlaps(f.header.oldest, f.header.newest) =>
                    {
                        frames.push(f)
                    }
                    Item::Frame(_) => {}
                    Item::Gap(_) => complete = false,
                }
            }
            for frame in frames.into_iter().rev() {
                match frame.payload().and_then(|payload| decode(&payload)) {
                    Ok(mut records) => {
                        records.truncate(usize::try_from(wanted.before - frame.header.first).unwrap_or(usize::MAX));
                        if visit(records).is_break() {
                            return complete;
                        }
                    }
                    Err(error) => {
                        tracing::warn!(segment = %segment.name, %error, "a record of the log cannot be read for a query");
                        complete = false;
                    }
                }
            }
        }
        complete
    }
}
