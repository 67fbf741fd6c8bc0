//! A disk that can die at any operation, lose or tear what was not synced, fill up, and fail.
//!
//! For tests only.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Disk, DiskFile};

/// What is left of unsynced writes and names after a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Crash {
    /// Nothing that was not synced.
    Lost,
    /// Names and all but the last unsynced write; of that the first half.
    Torn,
    /// Everything, as when only the process died.
    Kept,
}

#[derive(Default, Clone)]
struct Entry {
    durable: Vec<u8>,
    /// Changes since the last sync, in order.
    pending: Vec<Change>,
    /// Whether the name is durable.
    named: bool,
}

#[derive(Clone)]
enum Change {
    Write(u64, Vec<u8>),
    Length(u64),
}

fn change(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write(at, data) => {
            let at = *at as usize;
            if bytes.len() < at + data.len() {
                bytes.resize(at + data.len(), 0);
            }
            bytes[at..at + data.len()].copy_from_slice(data);
        }
        Change::Length(length) => bytes.resize(*length as usize, 0),
    }
}

impl Entry {
    fn current(&self) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        self.pending.iter().for_each(|c| change(&mut bytes, c));
        bytes
    }
}

#[derive(Default)]
struct State {
    files: BTreeMap<String, Entry>,
    /// Removed, but not durably.
    removed: BTreeMap<String, Entry>,
    operations: usize,
    syncs: usize,
    die_at: Option<usize>,
    full: bool,
}

impl State {
    /// Counts an operation; everything fails from the fatal one on.
    fn step(&mut self) -> io::Result<()> {
        let now = self.operations;
        self.operations += 1;
        if self.die_at.is_some_and(|at| now >= at) { Err(io::Error::other("the machine is dead")) } else { Ok(()) }
    }
}

/// The disk.
#[derive(Default, Clone)]
pub(crate) struct Simulated(Arc<Mutex<State>>);

impl Simulated {
    pub(crate) fn die_at(&self, operation: usize) {
        let mut state = self.0.lock();
        state.operations = 0;
        state.die_at = Some(operation);
    }

    pub(crate) fn fill(&self, full: bool) {
        self.0.lock().full = full;
    }

    pub(crate) fn syncs(&self) -> usize {
        self.0.lock().syncs
    }

    pub(crate) fn is_dead(&self) -> bool {
        let state = self.0.lock();
        state.die_at.is_some_and(|at| state.operations > at)
    }

    /// The disk as the next start finds it.
    pub(crate) fn after(&self, crash: Crash) -> Self {
        let state = self.0.lock();
        let mut files = BTreeMap::new();
        for (name, entry) in &state.files {
            let mut bytes = entry.durable.clone();
            match crash {
                Crash::Lost if !entry.named => continue,
                Crash::Lost => {}
                Crash::Kept => bytes = entry.current(),
                Crash::Torn => {
                    for (at, pending) in entry.pending.iter().enumerate() {
                        match pending {
                            Change::Write(offset, data) if at + 1 == entry.pending.len() => {
                                change(&mut bytes, &Change::Write(*offset, data[..data.len() / 2].to_vec()));
                            }
                            other => change(&mut bytes, other),
                        }
                    }
                }
            }
            files.insert(name.clone(), Entry { durable: bytes, pending: Vec::new(), named: true });
        }
        if crash == Crash::Lost {
            for (name, entry) in &state.removed {
                files.entry(name.clone()).or_insert_with(|| Entry {
                    named: true,
                    pending: Vec::new(),
                    ..entry.clone()
                });
            }
        }
        Self(Arc::new(Mutex::new(State { files, ..State::default() })))
    }

    /// Changes bytes of a file in place.
    pub(crate) fn damage(&self, name: &str, harm: impl FnOnce(&mut Vec<u8>)) {
        if let Some(entry) = self.0.lock().files.get_mut(name) {
            entry.durable = entry.current();
            entry.pending.clear();
            harm(&mut entry.durable);
        }
    }
}

impl Disk for Simulated {
    fn list(&self) -> io::Result<Vec<String>> {
        let mut state = self.0.lock();
        state.step()?;
        Ok(state.files.keys().cloned().collect())
    }

    fn create(&self, name: &str, preallocate: u64) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.0.lock();
        state.step()?;
        if state.full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        if state.files.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.files.insert(name.to_owned(), Entry { pending: vec![Change::Length(preallocate)], ..Entry::default() });
        Ok(Box::new(SimulatedFile { disk: self.clone(), name: name.to_owned() }))
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let mut state = self.0.lock();
        state.step()?;
        state.files.get(name).map(Entry::current).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.0.lock();
        state.step()?;
        let entry = state.files.remove(name).ok_or(io::ErrorKind::NotFound)?;
        if entry.named {
            state.removed.insert(name.to_owned(), entry);
        }
        Ok(())
    }

    fn shrink(&self, name: &str, length: u64) -> io::Result<()> {
        let mut state = self.0.lock();
        state.step()?;
        state.files.get_mut(name).ok_or(io::ErrorKind::NotFound)?.pending.push(Change::Length(length));
        Ok(())
    }

    fn sync_names(&self) -> io::Result<()> {
        let mut state = self.0.lock();
        state.step()?;
        state.files.values_mut().for_each(|e| e.named = true);
        state.removed.clear();
        Ok(())
    }
}

struct SimulatedFile {
    disk: Simulated,
    name: String,
}

impl SimulatedFile {
    fn change(&self, change: Change) -> io::Result<()> {
        let mut state = self.disk.0.lock();
        let dies = state.step();
        if state.full && matches!(change, Change::Write(..)) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        // A write that the machine dies in may have reached the disk in part.
        if let Some(entry) = state.files.get_mut(&self.name)
            && (dies.is_ok() || matches!(change, Change::Write(..)))
        {
            entry.pending.push(change);
        }
        dies
    }
}

impl DiskFile for SimulatedFile {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.change(Change::Write(offset, bytes.to_vec()))
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.disk.0.lock();
        state.step()?;
        state.syncs += 1;
        if let Some(entry) = state.files.get_mut(&self.name) {
            entry.durable = entry.current();
            entry.pending.clear();
        }
        Ok(())
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.change(Change::Length(length))
    }
}
