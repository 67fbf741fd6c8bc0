//! The segmented log: what makes telemetry durable.
//!
//! Not an index and not a query engine: it is written forward and read whole.
//!
//! **Cast.** A `Frame` is one record with a checksum. A `Segment` is a file of frames. The `Log` owns the open segment, if
//! there is one, and knows the closed ones. `codec` turns samples into bytes, `records` (outside) logs and spans.
//!
//! **Guarantees.** After [`Log::commit`] returns Ok, its frames survive the loss of power. A name is never used twice, and a
//! segment that was there at start is never written again. A segment's name is made durable before the first commit in it
//! returns. A write or sync that fails gives the segment up: the next commit opens a new one, so that no later
//! frame stands behind bytes whose fate is unknown. Reading skips damage and reports it.

pub(crate) mod codec;
pub(crate) mod frame;
pub(crate) mod histogram;
pub(crate) mod segment;

use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::disk::{Disk, DiskFile};
use frame::Header;
use segment::{SegmentInfo, SegmentName};

/// What is known of all segments, oldest first; readers of history look here too.
pub(crate) type Segments = Arc<Mutex<Vec<SegmentInfo>>>;

/// The log.
pub(crate) struct Log {
    disk: Arc<dyn Disk>,
    segment_bytes: u64,
    next_sequence: u64,
    open: Option<Open>,
    segments: Segments,
}

/// The segment that is written; the last of `segments` describes it.
struct Open {
    file: Box<dyn DiskFile>,
    name: SegmentName,
    used: u64,
    room: u64,
}

impl Log {
    /// A log with these old segments. `next_sequence` is above that of every file ever seen.
    pub(crate) fn new(disk: Arc<dyn Disk>, segment_bytes: u64, next_sequence: u64, segments: Segments) -> Self {
        Self { disk, segment_bytes, next_sequence, open: None, segments }
    }

    /// What is known of the segments.
    pub(crate) fn segments(&self) -> Segments {
        Arc::clone(&self.segments)
    }

    /// Sees to it that a segment with room for `bytes` is open, and returns its nonce and whether it is new since the last
    /// call. A new segment has no dictionary yet.
    pub(crate) fn prepare(&mut self, bytes: u64, nonce: impl FnOnce() -> u64) -> io::Result<(u64, bool)> {
        if let Some(open) = &self.open
            && open.used + bytes <= open.room
        {
            return Ok((open.name.nonce, false));
        }
        self.close();
        let name = SegmentName { sequence: self.next_sequence, nonce: nonce() };
        // Also a failed creation uses its number up: the file may be there all the same.
        self.next_sequence += 1;
        let room = self.segment_bytes.max(bytes);
        let file = self.disk.create(&name.to_string(), room)?;
        if let Err(error) = self.disk.sync_names() {
            // Best effort: recovery skips an empty segment.
            let _already_failing = self.disk.remove(&name.to_string());
            return Err(error);
        }
        self.open = Some(Open { file, name, used: 0, room });
        self.segments.lock().push(SegmentInfo::empty(name, room));
        Ok((name.nonce, true))
    }

    /// Writes frames (sealed with the nonce that [`Log::prepare`] gave) and makes them durable with one sync.
    pub(crate) fn commit(&mut self, bytes: &[u8], extents: &[Header]) -> io::Result<()> {
        let Some(mut open) = self.open.take() else {
            return Err(io::Error::other("no segment is open"));
        };
        if let Err(error) = open.file.write_at(open.used, bytes).and_then(|()| open.file.sync()) {
            self.give_up(&open);
            return Err(error);
        }
        open.used += bytes.len() as u64;
        if let Some(info) = self.segments.lock().last_mut() {
            info.bytes = open.used;
            for extent in extents {
                info.cover(extent);
            }
        }
        self.open = Some(open);
        Ok(())
    }

    /// What stands behind the last commit of this segment is unknown now: it is cut off if that is still possible, and the
    /// segment is not written again. What was committed in it stays.
    fn give_up(&mut self, open: &Open) {
        let name = open.name.to_string();
        let result = if open.used == 0 { self.disk.remove(&name) } else { self.disk.shrink(&name, open.used) };
        let mut segments = self.segments.lock();
        match result {
            Ok(()) if open.used == 0 => drop(segments.pop()),
            Ok(()) => segments.iter_mut().last().into_iter().for_each(|info| info.allocated = open.used),
            Err(error) => {
                tracing::warn!(segment = name, %error, "the room of a segment that failed cannot be given back")
            }
        }
    }

    /// Closes the open segment, giving back the room that it did not use. Everything in it is durable already.
    pub(crate) fn close(&mut self) {
        if let Some(mut open) = self.open.take() {
            match open.file.truncate(open.used).and_then(|()| open.file.sync()) {
                Ok(()) => {
                    self.segments.lock().iter_mut().last().into_iter().for_each(|info| info.allocated = open.used)
                }
                Err(error) => {
                    tracing::warn!(segment = %open.name, %error, "a segment's unused room cannot be given back")
                }
            }
        }
    }

    /// Deletes segments, oldest first, while `gone` says so of the first and of the bytes that all take on disk.
    /// The open one stays. Returns those deleted, also when a deletion failed.
    pub(crate) fn delete_oldest(
        &mut self,
        mut gone: impl FnMut(&SegmentInfo, u64) -> bool,
    ) -> (Vec<SegmentInfo>, io::Result<()>) {
        let mut deleted = Vec::new();
        loop {
            let (first, total) = {
                let segments = self.segments.lock();
                let closed = segments.len() - usize::from(self.open.is_some());
                let total = segments.iter().map(|s| s.allocated).sum();
                match segments.first() {
                    Some(first) if closed > 0 => (first.clone(), total),
                    _ => break,
                }
            };
            if !gone(&first, total) {
                break;
            }
            match self.disk.remove(&first.name.to_string()) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return (deleted, Err(error)),
            }
            deleted.push(self.segments.lock().remove(0));
        }
        let synced = if deleted.is_empty() { Ok(()) } else { self.disk.sync_names() };
        (deleted, synced)
    }
}
