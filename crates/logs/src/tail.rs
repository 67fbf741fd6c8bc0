//! Log files that are read as they grow, through rotation by name and by copy.
//!
//! Not parsing: a record is a line, or lines joined by a pattern.
//!
//! How far a file was read is written down after the store has answered, so nothing is lost. A process that is killed in
//! between reads the records of its last look again: those of at most [`MOST_RECORDS`] records, and none that came later.
//! What a copying rotation cuts before it was read is lost to every reader; look often enough.

mod file;
mod lines;
mod rows;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use regex::Regex;
use serde_json::Value;
use watchkeeper_config::model::TailedFiles;
use watchkeeper_config::{FileSystem, source};
use watchkeeper_domain::telemetry::{Attributes, LogRecord, TelemetrySink};
use watchkeeper_domain::{Env, Span, Timestamp};
use watchkeeper_state::{State, StateError};

use crate::keep::keep;
use file::{Begin, FileId, Known, Tailed};
use lines::Line;

/// How often files are looked at.
const INTERVAL: Span = Span::from_millis(500);
/// The most files that are open at once; more are left out, and the log says so.
const MOST_FILES: usize = 512;
/// When one look has so many records, it ends, and they are kept before the next.
pub const MOST_RECORDS: usize = 5_000;

/// Reads files as they grow.
pub struct Tailer {
    env: Env,
    state: State,
    sink: Arc<dyn TelemetrySink>,
    open: BTreeMap<FileId, (usize, Tailed)>,
    /// From before the start: files that were not met again yet.
    known: Vec<Known>,
    /// Files that are left alone: compressed ones.
    ignored: BTreeSet<FileId>,
    /// Whether the first look is over: what appears later is new, and read from its beginning.
    running: bool,
    warned: bool,
    /// How many files had their turn: the next look begins with the one after.
    turns: usize,
}

impl Tailer {
    /// Goes on where an earlier process ended.
    pub async fn load(env: Env, state: State, sink: Arc<dyn TelemetrySink>) -> Result<Self, StateError> {
        let known = rows::all(state.read()).await?;
        let (open, ignored) = (BTreeMap::new(), BTreeSet::new());
        Ok(Self { env, state, sink, open, known, ignored, running: false, warned: false, turns: 0 })
    }

    /// Reads until `stop` completes. `configured` says what is configured now; it is asked before each look.
    pub async fn run(mut self, configured: impl Fn() -> Arc<[TailedFiles]>, stop: impl Future<Output = ()>) {
        let mut groups = configured();
        tokio::pin!(stop);
        loop {
            let now_configured = configured();
            if format!("{groups:?}") != format!("{now_configured:?}") {
                // What was read and not kept is read again from where it was kept.
                self.known.extend(self.open.values().map(|(_, file)| known(file)));
                self.open.clear();
                groups = now_configured;
            }
            let more = tokio::select! {
                () = &mut stop => return,
                more = self.look(&groups) => match more {
                    Some(more) => more,
                    None => return,
                },
            };
            if !more {
                tokio::select! {
                    () = &mut stop => return,
                    () = self.env.clock.sleep_until(self.env.now() + INTERVAL) => {}
                }
            }
        }
    }

    /// Looks at all files once, and keeps what is new. Gives whether there is more; none: the store ends.
    async fn look(&mut self, groups: &[TailedFiles]) -> Option<bool> {
        let now = self.env.now();
        self.find(groups, now);
        let mut logs = Vec::new();
        let mut more = false;
        let mut order: Vec<FileId> = self.open.keys().copied().collect();
        let first = self.turns.checked_rem(order.len()).unwrap_or(0);
        order.rotate_left(first);
        for id in order {
            if logs.len() >= MOST_RECORDS {
                more = true;
                break;
            }
            self.turns = self.turns.wrapping_add(1);
            let Some((group, file)) = self.open.get_mut(&id) else { continue };
            let Some(group) = groups.get(*group) else { continue };
            let mut lines = Vec::new();
            match file.read(now, &mut lines) {
                Ok(rest) => more |= rest,
                Err(error) => tracing::warn!(path = %file.path.display(), %error, "a log file cannot be read"),
            }
            if file.is_over(now) {
                file.finish(&mut lines);
            }
            logs.extend(lines.into_iter().map(|line| record(line, group, &file.path, now)));
        }
        if !logs.is_empty() && !keep(self.sink.as_ref(), &self.env, logs, "log files").await {
            return None;
        }
        self.write_down(now).await;
        self.running = true;
        Some(more)
    }

    /// The records are kept: how far that is goes into the rows. If it cannot, they are written with the next look.
    async fn write_down(&mut self, now: Timestamp) {
        let over: Vec<FileId> =
            self.open.values().filter(|(_, file)| file.is_over(now)).map(|(_, file)| file.id).collect();
        let changed: Vec<&Tailed> = self
            .open
            .values()
            .map(|(_, file)| file)
            .filter(|file| !over.contains(&file.id) && file.written != Some(file.given()))
            .collect();
        if changed.is_empty() && over.is_empty() {
            return;
        }
        if let Err(error) = rows::save(&self.state, &changed, &over, now).await {
            tracing::warn!(%error, "how far log files were read could not be written down");
            return;
        }
        self.open.retain(|id, _| !over.contains(id));
        for (_, file) in self.open.values_mut() {
            file.written = Some(file.given());
        }
    }

    /// Opens what the patterns find and was not open, and notices what lost its name.
    fn find(&mut self, groups: &[TailedFiles], now: Timestamp) {
        let mut named = BTreeSet::new();
        for (index, group) in groups.iter().enumerate() {
            for path in group.paths.iter().flat_map(|pattern| expand(pattern)) {
                let Ok(metadata) = std::fs::metadata(&path) else { continue };
                if !metadata.is_file() {
                    continue;
                }
                let id = FileId::of(&metadata);
                named.insert(id);
                match self.open.get_mut(&id) {
                    Some((_, file)) => file.path = path,
                    None => self.begin(index, group, &path, id, now),
                }
            }
        }
        self.ignored.retain(|id| named.contains(id));
        for (id, (_, file)) in &mut self.open {
            file.nameless = !named.contains(id);
        }
        if !self.running {
            self.follow_renamed(groups, &named, now);
        }
    }

    fn begin(&mut self, index: usize, group: &TailedFiles, path: &Path, id: FileId, now: Timestamp) {
        if self.ignored.contains(&id) {
            return;
        }
        if self.open.len() >= MOST_FILES {
            if !std::mem::replace(&mut self.warned, true) {
                tracing::warn!(path = %path.display(), "more than {MOST_FILES} log files are found; the rest is not read");
            }
            return;
        }
        let known = self.known.iter().position(|known| known.id == id).map(|at| self.known.swap_remove(at));
        // What follows a file that was read is its successor, and new from its beginning.
        let follows = self.running || self.known.iter().any(|known| known.path == path);
        let begin = if group.from_beginning || follows { Begin::Beginning } else { Begin::End };
        match Tailed::open(path, known.as_ref(), begin, start(group), now) {
            Ok(Some(file)) => {
                self.open.insert(file.id, (index, file));
            }
            Ok(None) => {
                self.ignored.insert(id);
            }
            Err(error) => tracing::warn!(path = %path.display(), %error, "a log file cannot be opened"),
        }
    }

    /// Files that were renamed while nobody looked: their ends are still to be read. They lie beside where they were.
    fn follow_renamed(&mut self, groups: &[TailedFiles], named: &BTreeSet<FileId>, now: Timestamp) {
        let lost: Vec<Known> = std::mem::take(&mut self.known).into_iter().filter(|k| !named.contains(&k.id)).collect();
        for known in lost {
            let matches =
                |group: &TailedFiles| group.paths.iter().flat_map(|pattern| expand(pattern)).any(|p| p == known.path);
            let Some(index) = groups.iter().position(matches) else { continue };
            let beside = known.path.parent().and_then(|folder| std::fs::read_dir(folder).ok());
            let found =
                beside.into_iter().flatten().flatten().find(|entry| {
                    std::fs::metadata(entry.path()).is_ok_and(|metadata| FileId::of(&metadata) == known.id)
                });
            let Some((entry, group)) = found.zip(groups.get(index)) else { continue };
            if let Ok(Some(mut file)) = Tailed::open(&entry.path(), Some(&known), Begin::End, start(group), now) {
                file.nameless = true;
                self.open.insert(file.id, (index, file));
            }
        }
    }
}

fn known(file: &Tailed) -> Known {
    Known { id: file.id, path: file.path.clone(), position: file.given(), head: file.head.clone() }
}

/// The configuration has checked it.
fn start(group: &TailedFiles) -> Option<Regex> {
    group.record_start.as_ref().and_then(|text| regex::RegexBuilder::new(text).size_limit(1 << 20).build().ok())
}

fn expand(pattern: &Path) -> Vec<PathBuf> {
    source::expand(&FileSystem, Path::new(""), &pattern.to_string_lossy()).unwrap_or_default()
}

fn record(line: Line, group: &TailedFiles, path: &Path, now: Timestamp) -> LogRecord {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let stem = name.split('.').next().unwrap_or_default();
    let service: Arc<str> = Arc::from(group.service.as_deref().unwrap_or(stem));
    let text = |name: &str, value: &str| (Arc::from(name), Value::String(value.to_owned()));
    let mut attributes: Attributes =
        vec![text("log.file.path", &path.display().to_string()), text("log.file.name", &name)];
    if line.cut {
        attributes.push((Arc::from("log.truncated"), Value::Bool(true)));
    }
    if line.broken {
        attributes.push((Arc::from("log.encoding_error"), Value::Bool(true)));
    }
    let mut resource: Attributes = vec![text("service.name", &service)];
    resource.extend(group.attributes.iter().map(|(name, value)| text(name, value)));
    LogRecord {
        t_ns: u64::try_from(now.as_micros()).unwrap_or(0).saturating_mul(1_000),
        severity: 0,
        severity_text: Arc::from(""),
        body: line.text,
        service,
        trace_id: String::new(),
        span_id: String::new(),
        attributes,
        resource: Arc::new(resource),
    }
}
