//! From labels to series: exact look-up, and postings (name → value → series) for matchers.
//!
//! Not sorted on disk or shared between processes: it lives and dies with the head.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use watchkeeper_domain::{Labels, MatchOp, Matcher};

use super::series::Series;

/// The series of one label value, ascending.
type Postings = Vec<u32>;

/// All series by number, by labels, and by each label.
#[derive(Default)]
pub(crate) struct Index {
    by_labels: HashMap<Labels, u32>,
    by_number: HashMap<u32, Arc<Series>>,
    postings: HashMap<Arc<str>, HashMap<Arc<str>, Postings>>,
    next: u32,
}

impl Index {
    pub(crate) fn len(&self) -> usize {
        self.by_labels.len()
    }

    pub(crate) fn get(&self, labels: &Labels) -> Option<Arc<Series>> {
        self.by_labels.get(labels).and_then(|n| self.by_number.get(n)).cloned()
    }

    /// Adds a series that is not there yet. Its texts are replaced by those that the index holds already.
    pub(crate) fn insert(&mut self, labels: &Labels) -> Arc<Series> {
        let number = self.next;
        // Numbers are not reused while the process lives; 4 billion series would have to come and go to wrap.
        self.next = self.next.wrapping_add(1);
        let mut shared = Vec::with_capacity(labels.len());
        for (name, value) in labels.pairs() {
            let name =
                self.postings.get_key_value(name).map_or_else(|| Arc::clone(name), |(known, _)| Arc::clone(known));
            let values = self.postings.entry(Arc::clone(&name)).or_default();
            let value = values.get_key_value(value).map_or_else(|| Arc::clone(value), |(known, _)| Arc::clone(known));
            values.entry(Arc::clone(&value)).or_default().push(number);
            shared.push((name, value));
        }
        let labels = Labels::from_pairs(shared);
        let series = Arc::new(Series::new(number, labels.clone()));
        self.by_labels.insert(labels, number);
        self.by_number.insert(number, Arc::clone(&series));
        series
    }

    /// Label names, sorted.
    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        let mut names: Vec<Arc<str>> = self.postings.keys().cloned().collect();
        names.sort_unstable();
        names
    }

    /// Values of a label, sorted.
    pub(crate) fn values(&self, name: &str) -> Vec<Arc<str>> {
        let mut values: Vec<Arc<str>> = self.postings.get(name).into_iter().flat_map(HashMap::keys).cloned().collect();
        values.sort_unstable();
        values
    }

    pub(crate) fn all(&self) -> Vec<Arc<Series>> {
        self.by_number.values().cloned().collect()
    }

    pub(crate) fn remove(&mut self, gone: &[Arc<Series>]) {
        let numbers: HashSet<u32> = gone.iter().map(|s| s.number()).collect();
        for series in gone {
            self.by_labels.remove(series.labels());
            self.by_number.remove(&series.number());
            for (name, value) in series.labels().iter() {
                if let Some(values) = self.postings.get_mut(name)
                    && let Some(list) = values.get_mut(value)
                {
                    // Several of `gone` may share this list: the first of them takes all out.
                    if list.binary_search(&series.number()).is_ok() {
                        list.retain(|n| !numbers.contains(n));
                    }
                    if list.is_empty() {
                        values.remove(value);
                    }
                }
            }
        }
        self.postings.retain(|_, values| !values.is_empty());
    }

    /// The series that match all matchers, in no order. The matcher that leaves fewest candidates goes first; the others
    /// filter. A matcher that the empty value satisfies leaves everything, since a label that is absent has that value.
    pub(crate) fn matching(&self, matchers: &[Matcher]) -> Vec<Arc<Series>> {
        let narrowing = matchers.iter().filter(|m| !m.matches_value(""));
        let smallest =
            narrowing.map(|m| self.candidates(m)).min_by_key(|lists| lists.iter().map(|l| l.len()).sum::<usize>());
        let passes = |series: &&Arc<Series>| matchers.iter().all(|m| m.matches(series.labels()));
        match smallest {
            Some(lists) => {
                lists.into_iter().flatten().filter_map(|n| self.by_number.get(n)).filter(passes).cloned().collect()
            }
            None => self.by_number.values().filter(passes).cloned().collect(),
        }
    }

    fn candidates(&self, matcher: &Matcher) -> Vec<&Postings> {
        let Some(values) = self.postings.get(matcher.name.as_str()) else {
            return Vec::new();
        };
        match matcher.op {
            MatchOp::Equal => values.get(matcher.value.as_str()).into_iter().collect(),
            _ => values.iter().filter(|(value, _)| matcher.matches_value(value)).map(|(_, list)| list).collect(),
        }
    }
}
