//! Numbers for label sets that agree in some labels: what aggregation and vector matching group by.
//!
//! Not hashing that may collide: groups are compared by their full text.

use std::collections::HashMap;

use watchkeeper_domain::labels::{Labels, NAME};

use crate::ast::Grouping;
use crate::operator::MatchLabels;
use crate::value::{Row, is_metadata};

/// Which labels make up the key.
#[derive(Debug, Clone, Copy)]
pub(crate) enum KeyLabels<'a> {
    Only(&'a [String]),
    /// All but these, the metric's name and its metadata: aggregation.
    Without(&'a [String]),
    /// All but these and the metric's name: matching, where series of different types do not match.
    Ignoring(&'a [String]),
}

impl<'a> From<&'a MatchLabels> for KeyLabels<'a> {
    fn from(labels: &'a MatchLabels) -> Self {
        match labels {
            MatchLabels::On(names) => Self::Only(names),
            MatchLabels::Ignoring(names) => Self::Ignoring(names),
        }
    }
}

impl<'a> From<&'a Grouping> for KeyLabels<'a> {
    fn from(grouping: &'a Grouping) -> Self {
        match grouping {
            Grouping::By(names) => Self::Only(names),
            Grouping::Without(names) => Self::Without(names),
        }
    }
}

impl KeyLabels<'_> {
    /// Whether a label belongs to the key.
    fn has(self, name: &str) -> bool {
        let named = |names: &[String]| names.iter().any(|n| n == name);
        match self {
            Self::Only(names) => named(names),
            Self::Without(names) => !is_metadata(name) && !named(names),
            Self::Ignoring(names) => name != NAME && !named(names),
        }
    }

    /// The labels of the key, as a set of their own.
    pub(crate) fn pick(self, labels: &Labels) -> Labels {
        if let Self::Only([]) = self { Labels::empty() } else { labels.only(|name| self.has(name)) }
    }

    /// Writes the key. `0xFF` ends each text: it occurs in no UTF-8.
    fn write(self, labels: &Labels, key: &mut Vec<u8>) {
        key.clear();
        match self {
            Self::Only(names) => {
                for name in names {
                    key.extend_from_slice(labels.get(name).unwrap_or("").as_bytes());
                    key.push(0xFF);
                }
            }
            Self::Without(_) | Self::Ignoring(_) => {
                for (name, value) in labels.iter().filter(|(name, _)| self.has(name)) {
                    for text in [name, value] {
                        key.extend_from_slice(text.as_bytes());
                        key.push(0xFF);
                    }
                }
            }
        }
    }
}

/// Hands out group numbers, counting from zero in the order of first sight.
#[derive(Debug)]
pub(crate) struct Grouper<'a> {
    labels: KeyLabels<'a>,
    numbers: HashMap<Box<[u8]>, usize>,
    key: Vec<u8>,
}

impl<'a> Grouper<'a> {
    pub(crate) fn new(labels: impl Into<KeyLabels<'a>>) -> Self {
        Self { labels: labels.into(), numbers: HashMap::new(), key: Vec::new() }
    }

    /// The group of one label set.
    pub(crate) fn number(&mut self, labels: &Labels) -> usize {
        if let KeyLabels::Only([]) = self.labels {
            self.numbers.entry(Box::default()).or_insert(0);
            return 0;
        }
        self.labels.write(labels, &mut self.key);
        if let Some(number) = self.numbers.get(self.key.as_slice()) {
            return *number;
        }
        let number = self.numbers.len();
        self.numbers.insert(self.key.as_slice().into(), number);
        number
    }

    /// The groups of some rows.
    pub(crate) fn numbers(&mut self, rows: &[Row]) -> Vec<usize> {
        rows.iter().map(|row| self.number(&row.labels)).collect()
    }

    /// How many groups there are.
    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }
}
