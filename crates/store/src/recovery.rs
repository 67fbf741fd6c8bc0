//! Rebuilding memory from the log at start.
//!
//! Not a repair: files are only read (room that was set aside and never written is given back). Damage is skipped and reported.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use watchkeeper_domain::{Env, Labels};

use crate::disk::Disk;
use crate::head::Head;
use crate::head::series::Series;
use crate::log::Segments;
use crate::log::codec::{self, Symbols};
use crate::log::frame::{self, Frame, Item, Kind, Reader};
use crate::log::histogram;
use crate::log::segment::{SegmentInfo, SegmentName};
use crate::records::{Records, decode_logs, decode_spans};

/// A stretch of the log that could not be read. What was in it is lost; everything around it was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub segment: String,
    /// Where the stretch begins, in bytes.
    pub offset: u64,
    /// How long it is.
    pub bytes: u64,
    /// Nothing readable follows it in the file. A write that was cut off by a crash looks like this, and then nothing
    /// acknowledged is lost.
    pub at_end: bool,
    /// What is wrong with it.
    pub reason: String,
}

/// What was found at start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Segments read.
    pub segments: usize,
    /// Samples put back into memory.
    pub samples: u64,
    /// Log records put back into memory; older ones stay in the log.
    pub recent_logs: usize,
    /// Spans put back into memory; older ones stay in the log.
    pub recent_spans: usize,
    /// Samples whose series is not known because its definitions are damaged.
    pub orphaned_samples: u64,
    /// What could not be read.
    pub damage: Vec<Damage>,
    /// How long it took.
    pub took: Duration,
}

/// The segments' names, oldest first.
fn list(disk: &dyn Disk) -> io::Result<Vec<SegmentName>> {
    let mut names: Vec<SegmentName> = disk.list()?.iter().filter_map(|n| SegmentName::parse(n)).collect();
    names.sort_unstable();
    Ok(names)
}

/// Reads all segments into memory.
pub(crate) fn replay(
    disk: &dyn Disk,
    head: &Head,
    records: &Records,
    segments: &Segments,
    recent_bytes: usize,
    env: &Env,
) -> io::Result<(u64, Recovery)> {
    let begun = env.clock.monotonic();
    let names = list(disk)?;
    let next_sequence = names.last().map_or(1, |n| n.sequence + 1);
    let mut replay = Replay {
        head,
        now: env.now().as_millis(),
        symbols: Symbols::default(),
        logs: Tail::new(recent_bytes),
        spans: Tail::new(recent_bytes),
        recovery: Recovery { segments: names.len(), ..Recovery::default() },
    };
    for name in names {
        let info = replay.segment(disk, name)?;
        segments.lock().push(info);
    }
    let Replay { logs, spans, mut recovery, .. } = replay;
    logs.load(|first, bytes| decode_logs(bytes).map(|r| records.logs.write().push(first, r)));
    spans.load(|first, bytes| decode_spans(bytes).map(|r| records.spans.write().push(first, r)));
    (recovery.recent_logs, recovery.recent_spans) = (records.logs.read().len(), records.spans.read().len());
    recovery.took = env.clock.monotonic().saturating_sub(begun);
    Ok((next_sequence, recovery))
}

/// The series that a segment defines, and samples of series that it did not define up to where reading stands.
#[derive(Default)]
struct SegmentDictionary {
    series: HashMap<u32, Arc<Series>>,
    waiting: Vec<codec::Decoded>,
    waiting_histograms: Vec<histogram::Decoded>,
}

impl SegmentDictionary {
    fn learn(&mut self, definitions: &[(u32, Labels)], head: &Head) {
        let new: Vec<_> = definitions.iter().filter(|(number, _)| !self.series.contains_key(number)).collect();
        for ((number, _), found) in new.iter().zip(head.resolve(new.iter().map(|(_, labels)| labels))) {
            if let Some(found) = found {
                self.series.insert(*number, found);
            }
        }
    }
}

struct Replay<'a> {
    head: &'a Head,
    /// Milliseconds.
    now: i64,
    symbols: Symbols,
    logs: Tail,
    spans: Tail,
    recovery: Recovery,
}

impl Replay<'_> {
    fn segment(&mut self, disk: &dyn Disk, name: SegmentName) -> io::Result<SegmentInfo> {
        let file = name.to_string();
        let bytes = match disk.read(&file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                self.damage(&file, 0, 0, true, format!("the file cannot be read: {error}"));
                let mut info = SegmentInfo::empty(name, 0);
                info.written = self.now;
                return Ok(info);
            }
        };
        let mut info = SegmentInfo::empty(name, bytes.len() as u64);
        let mut dictionary = SegmentDictionary::default();
        let mut reader = Reader::new(&bytes, name.nonce);
        while let Some(item) = reader.next() {
            match item {
                Item::Frame(frame) => {
                    info.cover(&frame.header);
                    if let Err(error) = self.frame(&frame, &mut dictionary) {
                        self.damage(
                            &file,
                            reader.position() - frame.stored.len(),
                            frame.stored.len(),
                            false,
                            error.to_string(),
                        );
                    }
                }
                Item::Gap(gap) => {
                    self.damage(&file, gap.offset, gap.bytes, gap.at_end, "no readable record".to_owned())
                }
            }
        }
        // What came before its first readable definition.
        for entry in std::mem::take(&mut dictionary.waiting) {
            match dictionary.series.get(&entry.series) {
                Some(found) => {
                    self.recovery.samples += self.head.append(found, &entry.samples, entry.start).kept as u64
                }
                None => self.recovery.orphaned_samples += entry.samples.len() as u64,
            }
        }
        for entry in std::mem::take(&mut dictionary.waiting_histograms) {
            match dictionary.series.get(&entry.series) {
                Some(found) => self.histograms(found, &entry),
                None => self.recovery.orphaned_samples += entry.points.len() as u64,
            }
        }
        info.bytes = reader.position() as u64;
        if info.written == 0 && info.bytes > 0 {
            // Nothing of it can be read. People may want to look at it: retention counts from now.
            info.written = self.now;
        }
        if info.bytes < info.allocated {
            match disk.shrink(&file, info.bytes) {
                Ok(()) => info.allocated = info.bytes,
                Err(error) => tracing::warn!(segment = file, %error, "a segment's unused room cannot be given back"),
            }
        }
        Ok(info)
    }

    fn frame(&mut self, frame: &Frame<'_>, dictionary: &mut SegmentDictionary) -> Result<(), frame::Error> {
        match frame.header.kind {
            Kind::Logs => self.logs.push(frame),
            Kind::Spans => self.spans.push(frame),
            Kind::Samples => {
                let content = codec::decode(&frame.payload()?, &mut self.symbols)?;
                dictionary.learn(&content.definitions, self.head);
                for entry in content.entries {
                    match dictionary.series.get(&entry.series) {
                        Some(found) => {
                            self.recovery.samples += self.head.append(found, &entry.samples, entry.start).kept as u64
                        }
                        None => dictionary.waiting.push(entry),
                    }
                }
                self.head.describe(content.meta);
                self.head.keep_exemplars(content.exemplars);
            }
            Kind::Histograms => {
                let content = histogram::decode(&frame.payload()?, &mut self.symbols)?;
                dictionary.learn(&content.definitions, self.head);
                for entry in content.entries {
                    match dictionary.series.get(&entry.series) {
                        Some(found) => self.histograms(found, &entry),
                        None => dictionary.waiting_histograms.push(entry),
                    }
                }
            }
        }
        Ok(())
    }

    fn histograms(&mut self, series: &Series, entry: &histogram::Decoded) {
        self.recovery.samples += self.head.append_native(series, &entry.points, entry.start).kept as u64;
    }

    fn damage(&mut self, segment: &str, offset: usize, bytes: usize, at_end: bool, reason: String) {
        tracing::warn!(
            segment,
            offset,
            bytes,
            at_end,
            reason,
            "a part of the telemetry log cannot be read; the rest is kept"
        );
        self.recovery.damage.push(Damage {
            segment: segment.to_owned(),
            offset: offset as u64,
            bytes: bytes as u64,
            at_end,
            reason,
        });
    }
}

/// The last frames of one kind, up to what memory will hold: older ones need not be decoded at start.
struct Tail {
    frames: VecDeque<(u64, usize, bool, Vec<u8>)>,
    raw_bytes: usize,
    cap: usize,
}

impl Tail {
    fn new(cap: usize) -> Self {
        Self { frames: VecDeque::new(), raw_bytes: 0, cap }
    }

    fn push(&mut self, frame: &Frame<'_>) {
        self.raw_bytes += frame.raw_length;
        self.frames.push_back((frame.header.first, frame.raw_length, frame.compressed, frame.stored.to_vec()));
        while self.raw_bytes > self.cap
            && self.frames.len() > 1
            && let Some((_, raw_length, ..)) = self.frames.pop_front()
        {
            self.raw_bytes -= raw_length;
        }
    }

    /// Decodes what is left, oldest first.
    fn load(self, mut push: impl FnMut(u64, &[u8]) -> Result<(), frame::Error>) {
        for (first, raw_length, compressed, stored) in self.frames {
            if let Err(error) = frame::unpack(&stored, compressed, raw_length).and_then(|bytes| push(first, &bytes)) {
                tracing::warn!(%error, "records of the telemetry log cannot be decoded");
            }
        }
    }
}
