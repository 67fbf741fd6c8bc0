//! Which rules an arriving series concerns.
//!
//! Not their evaluation: a match only sets a flag, because the listener must return at once.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use watchkeeper_domain::labels::NAME;
use watchkeeper_domain::{Labels, MatchOp, Matcher};

/// A flag that a rule has something to look at.
pub(super) type Dirty = Arc<AtomicBool>;

/// Selectors by metric name.
#[derive(Debug, Default)]
pub(super) struct Index {
    by_name: HashMap<String, Vec<Entry>>,
    /// Selectors without a fixed metric name.
    nameless: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    /// The conditions, without the metric name where the map has it.
    matchers: Vec<Matcher>,
    dirty: Dirty,
}

impl Entry {
    /// Sets the flag; tells whether it was this call that did.
    fn mark(&self, series: &Labels) -> bool {
        !self.dirty.load(Ordering::Acquire)
            && self.matchers.iter().all(|m| m.matches(series))
            && !self.dirty.swap(true, Ordering::AcqRel)
    }
}

impl Index {
    pub(super) fn add(&mut self, matchers: &[Matcher], dirty: &Dirty) {
        let name = matchers.iter().position(|m| m.name == NAME && m.op == MatchOp::Equal);
        let rest = matchers.iter().enumerate().filter(|(i, _)| Some(*i) != name).map(|(_, m)| m.clone()).collect();
        let entry = Entry { matchers: rest, dirty: dirty.clone() };
        match name.and_then(|i| matchers.get(i)) {
            Some(name) => self.by_name.entry(name.value.clone()).or_default().push(entry),
            None => self.nameless.push(entry),
        }
    }

    /// Marks the rules that these series concern; tells whether any was not marked before.
    pub(super) fn mark(&self, series: &[Labels]) -> bool {
        let mut marked = false;
        for labels in series {
            let named = labels.name().and_then(|name| self.by_name.get(name)).into_iter().flatten();
            for entry in named.chain(&self.nameless) {
                marked |= entry.mark(labels);
            }
        }
        marked
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use watchkeeper_promql::Expr;

    fn index(expr: &str) -> (Index, Dirty) {
        let (mut index, dirty) = (Index::default(), Dirty::default());
        for selector in Expr::parse(expr).unwrap().selectors() {
            index.add(&selector.matchers, &dirty);
        }
        (index, dirty)
    }

    #[test]
    fn only_series_that_a_selector_takes_mark_its_rule_and_only_once() {
        let (index, dirty) = index(r#"rate(http_requests_total{code=~"5.."}[5m])"#);
        let series = |name: &str, code: &str| Labels::from_pairs([(NAME, name), ("code", code)]);
        assert!(!index.mark(&[series("http_requests_total", "200"), series("other", "500")]));
        assert!(!dirty.load(Ordering::Acquire));
        assert!(index.mark(&[series("http_requests_total", "503")]));
        assert!(!index.mark(&[series("http_requests_total", "503")]));
        assert!(dirty.load(Ordering::Acquire));
    }

    #[test]
    fn a_selector_without_a_metric_name_hears_of_every_metric() {
        let (index, _) = index(r#"count({job="bank"})"#);
        assert!(index.mark(&[Labels::from_pairs([(NAME, "anything"), ("job", "bank")])]));
    }
}
