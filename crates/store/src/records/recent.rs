//! The newest records, up to a number of bytes, in the order in which they came.
//!
//! Not an index; iterating over it is how it is searched.

use std::collections::VecDeque;

use watchkeeper_domain::telemetry::{Attributes, LogRecord, SpanRecord};

/// About how many bytes a record takes in memory.
pub(crate) trait Weigh {
    fn weight(&self) -> usize;
}

fn attributes(list: &Attributes) -> usize {
    list.iter().map(|(_, v)| 64 + v.as_str().map_or(16, str::len)).sum()
}

impl Weigh for LogRecord {
    fn weight(&self) -> usize {
        size_of::<Self>() + self.body.len() + self.trace_id.len() + self.span_id.len() + attributes(&self.attributes)
    }
}

impl Weigh for SpanRecord {
    fn weight(&self) -> usize {
        let events: usize = self.events.iter().map(|e| 64 + e.name.len() + attributes(&e.attributes)).sum();
        size_of::<Self>() + 64 + self.status_message.len() + attributes(&self.attributes) + events
    }
}

/// Records with consecutive numbers.
pub(crate) struct Recent<T> {
    items: VecDeque<T>,
    first: u64,
    bytes: usize,
    cap: usize,
}

impl<T: Weigh> Recent<T> {
    pub(crate) fn new(cap: usize) -> Self {
        Self { items: VecDeque::new(), first: 0, bytes: 0, cap }
    }

    /// Adds records of which the first has this number. A hole in the numbers (a damaged frame) forgets what was before it,
    /// so that everything from [`Recent::first`] on is here.
    pub(crate) fn push(&mut self, first: u64, records: Vec<T>) {
        if self.next() != first {
            self.items.clear();
            self.bytes = 0;
            self.first = first;
        }
        for record in records {
            self.bytes += record.weight();
            self.items.push_back(record);
        }
        while self.bytes > self.cap
            && let Some(oldest) = self.items.pop_front()
        {
            self.bytes -= oldest.weight();
            self.first += 1;
        }
    }

    /// The number of the oldest record here: those before it are in the log only.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// The number that the next record gets.
    pub(crate) fn next(&self) -> u64 {
        self.first + self.items.len() as u64
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// Those with this number and the ones after it, oldest first.
    pub(crate) fn since(&self, number: u64) -> impl Iterator<Item = &T> {
        let skipped = usize::try_from(number.saturating_sub(self.first)).unwrap_or(usize::MAX).min(self.items.len());
        self.items.range(skipped..)
    }

    /// Oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.items.iter()
    }
}
