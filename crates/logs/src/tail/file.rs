//! One file that is read as it grows, under whatever name.
//!
//! Not the list of files, and not what becomes of the records.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use regex::Regex;
use sha2::{Digest, Sha256};
use watchkeeper_domain::{Span, Timestamp};

use super::lines::{Line, Lines};

/// How many bytes of its beginning a file is known by.
const HEAD: u64 = 256;
/// The most bytes that one look reads, so that each file comes to its turn.
const MOST_READ: usize = 1 << 20;
/// A record that could go on ends when nothing came for so long.
const QUIET: Span = Span::from_secs(1);
/// A file without its name is read on for so long after it last grew: its writer may not know yet.
const LINGER: Span = Span::from_secs(10);
/// How compressed files begin (gzip, bzip2, xz, zstd): what logrotate leaves behind.
const COMPRESSED: [&[u8]; 4] = [b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd"];

/// Which file it is, whatever it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FileId {
    pub(super) device: u64,
    pub(super) inode: u64,
}

impl FileId {
    pub(super) fn of(metadata: &std::fs::Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

/// The beginning of a file: an inode is given to another file when the first is gone, and a file may be cut in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) bytes: u64,
    pub(super) digest: String,
}

impl Head {
    fn read(file: &File, bytes: u64) -> io::Result<Self> {
        let mut head = vec![0; usize::try_from(bytes.min(HEAD)).unwrap_or(0)];
        let read = fill(file, &mut head, 0)?;
        head.truncate(read);
        Ok(Self { bytes: read as u64, digest: hex::encode(Sha256::digest(&head)) })
    }

    /// Whether the file still begins so.
    fn holds(&self, file: &File) -> io::Result<bool> {
        Ok(Self::read(file, self.bytes)? == *self)
    }
}

fn fill(file: &File, buffer: &mut [u8], from: u64) -> io::Result<usize> {
    let mut read = 0;
    while let Some(rest) = buffer.get_mut(read..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, from + read as u64) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

/// What is known of a file from before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) id: FileId,
    pub(super) path: PathBuf,
    pub(super) position: u64,
    pub(super) head: Head,
}

/// Where to begin in a file of which nothing is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begin {
    Beginning,
    End,
}

/// A file being read.
#[derive(Debug)]
pub(super) struct Tailed {
    pub(super) id: FileId,
    pub(super) path: PathBuf,
    pub(super) head: Head,
    file: File,
    lines: Lines,
    start: Option<Regex>,
    /// Up to here its records are kept, and that is written down.
    pub(super) written: Option<u64>,
    grew_at: Timestamp,
    /// Its name belongs to another file, or to none.
    pub(super) nameless: bool,
}

impl Tailed {
    /// Opens a file. None: it is compressed, and not for reading.
    pub(super) fn open(
        path: &Path,
        known: Option<&Known>,
        begin: Begin,
        start: Option<Regex>,
        now: Timestamp,
    ) -> io::Result<Option<Self>> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        let mut first = [0; 8];
        let read = fill(&file, &mut first, 0)?;
        if COMPRESSED.iter().any(|magic| first.get(..read).is_some_and(|first| first.starts_with(magic))) {
            return Ok(None);
        }
        let resumed = match known {
            Some(known) if metadata.len() >= known.position && known.head.holds(&file)? => Some(known.position),
            // It is another one, or it was cut: then all of it is new.
            Some(_) => None,
            None if begin == Begin::End => Some(metadata.len()),
            None => None,
        };
        let position = resumed.unwrap_or(0);
        Ok(Some(Self {
            id: FileId::of(&metadata),
            path: path.to_owned(),
            head: Head::read(&file, metadata.len())?,
            file,
            lines: Lines::new(start.clone(), position),
            start,
            written: known.filter(|_| resumed.is_some()).map(|known| known.position),
            grew_at: now,
            nameless: false,
        }))
    }

    /// Up to here every record was given out.
    pub(super) fn given(&self) -> u64 {
        self.lines.given()
    }

    /// Reads what is new. Gives whether there may be more at once.
    pub(super) fn read(&mut self, now: Timestamp, out: &mut Vec<Line>) -> io::Result<bool> {
        let length = self.file.metadata()?.len();
        if length < self.lines.position() || !self.head.holds(&self.file)? {
            tracing::info!(path = %self.path.display(), "a log file was cut; it is read from its beginning");
            self.lines.finish(out);
            self.lines = Lines::new(self.start.clone(), 0);
            self.written = None;
        }
        let cut_or_new = self.written.is_none() && self.lines.position() == 0;
        if cut_or_new || (self.head.bytes < HEAD && length > self.head.bytes) {
            self.head = Head::read(&self.file, length)?;
        }
        let mut buffer = vec![0; MOST_READ];
        let read = fill(&self.file, &mut buffer, self.lines.position())?;
        if read > 0 {
            self.grew_at = now;
            self.lines.push(buffer.get(..read).unwrap_or_default(), out);
        } else if now.since(self.grew_at) >= QUIET {
            self.lines.quiet(out);
        }
        Ok(read == MOST_READ)
    }

    /// Whether its end was reached for good: it has no name any more, and did not grow for a while.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.nameless && now.since(self.grew_at) >= LINGER
    }

    /// What was never ended by a line feed.
    pub(super) fn finish(&mut self, out: &mut Vec<Line>) {
        self.lines.finish(out);
    }
}
