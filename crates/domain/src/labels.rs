//! Label sets: sorted, without duplicates, cheap to clone and to compare.
//!
//! Not a map to mutate: a changed set is a new set. An empty value means that the label is absent,
//! as in Prometheus's data model.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The label that holds a metric's name.
pub const NAME: &str = "__name__";

/// A sorted set of label names and values. Cloning copies a pointer.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Labels(Arc<[(Arc<str>, Arc<str>)]>);

impl Labels {
    /// The empty set.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Builds a set from pairs in any order. Of two pairs with one name the later wins; empty values are dropped.
    pub fn from_pairs<N, V>(pairs: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<Arc<str>>,
        V: Into<Arc<str>>,
    {
        let map: BTreeMap<Arc<str>, Arc<str>> = pairs.into_iter().map(|(n, v)| (n.into(), v.into())).collect();
        Self(map.into_iter().filter(|(_, v)| !v.is_empty()).collect())
    }

    /// The value of a label, if the set has it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.binary_search_by(|(n, _)| n.as_ref().cmp(name)).ok().map(|at| self.0[at].1.as_ref())
    }

    /// The metric name (`__name__`), if there is one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.get(NAME)
    }

    /// Names and values, sorted by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(n, v)| (n.as_ref(), v.as_ref()))
    }

    /// The pairs as they are shared inside; for code that interns.
    #[must_use]
    pub fn pairs(&self) -> &[(Arc<str>, Arc<str>)] {
        &self.0
    }

    /// How many labels there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The set with one label set, or removed when the value is empty.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        Self::from_pairs(
            self.0
                .iter()
                .filter(|(n, _)| n.as_ref() != name)
                .cloned()
                .chain(std::iter::once((Arc::from(name), Arc::from(value)))),
        )
    }

    /// The set without the labels that `drop` names.
    #[must_use]
    pub fn without(&self, drop: impl Fn(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|(n, _)| !drop(n)).cloned().collect())
    }

    /// The set with only the labels that `keep` names.
    #[must_use]
    pub fn only(&self, keep: impl Fn(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|(n, _)| keep(n)).cloned().collect())
    }

    /// The set without its metric name, as results of operators and alerts have it.
    #[must_use]
    pub fn without_name(&self) -> Self {
        if self.name().is_some() { self.without(|n| n == NAME) } else { self.clone() }
    }

    /// A stable 64-bit fingerprint (FNV-1a over sorted names and values, `0xFF` between them, as Prometheus does it).
    /// It names a label set in rows and URLs. Equality is decided by the labels themselves, not by this.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0000_0100_0000_01b3;
        let mut sum = OFFSET;
        let mut eat = |bytes: &[u8]| {
            for byte in bytes.iter().copied().chain(std::iter::once(0xFF)) {
                sum = (sum ^ u64::from(byte)).wrapping_mul(PRIME);
            }
        };
        for (name, value) in self.iter() {
            eat(name.as_bytes());
            eat(value.as_bytes());
        }
        Fingerprint(sum)
    }
}

impl Hash for Labels {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for (n, v) in self.0.iter() {
            n.hash(state);
            v.hash(state);
        }
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = self.name() {
            f.write_str(name)?;
            if self.len() == 1 {
                return Ok(());
            }
        }
        f.write_str("{")?;
        for (i, (n, v)) in self.iter().filter(|(n, _)| *n != NAME).enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{n}={v:?}")?;
        }
        f.write_str("}")
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Self::from_pairs(BTreeMap::<String, String>::deserialize(d)?))
    }
}

impl<N: Into<Arc<str>>, V: Into<Arc<str>>> FromIterator<(N, V)> for Labels {
    fn from_iter<T: IntoIterator<Item = (N, V)>>(iter: T) -> Self {
        Self::from_pairs(iter)
    }
}

/// A label set's fingerprint, shown as 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub u64);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_duplicates_do_not_matter_and_empty_values_vanish() {
        let a = Labels::from_pairs([("b", "2"), ("a", "1"), ("c", "")]);
        let b = Labels::from_pairs([("a", "0"), ("a", "1"), ("b", "2")]);
        assert_eq!(a, b);
        assert_eq!(a.fingerprint(), b.fingerprint());
        assert_eq!(a.get("b"), Some("2"));
        assert_eq!(a.get("c"), None);
    }

    #[test]
    fn the_fingerprint_separates_names_from_values() {
        let a = Labels::from_pairs([("ab", "c")]);
        let b = Labels::from_pairs([("a", "bc")]);
        assert_ne!(a.fingerprint(), b.fingerprint());
    }

    #[test]
    fn display_is_what_a_prometheus_user_expects() {
        let l = Labels::from_pairs([(NAME, "up"), ("job", "money404/\"front\"")]);
        assert_eq!(l.to_string(), r#"up{job="money404/\"front\""}"#);
    }
}
