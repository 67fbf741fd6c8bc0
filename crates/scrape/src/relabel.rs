//! Relabelling: the steps of `relabel_configs` on one set of labels
//! (<https://prometheus.io/docs/prometheus/latest/configuration/configuration/#relabel_config>).
//!
//! Not their configuration: `config` has checked the steps.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use md5::{Digest, Md5};
use watchkeeper_config::model::scrape::{Relabel, RelabelAction};

/// Labels while they change. An empty value means that there is no such label.
pub type Working = BTreeMap<Arc<str>, Arc<str>>;

/// Takes the labels through all steps; false when a step drops them.
#[must_use]
pub fn apply(labels: &mut Working, steps: &[Relabel]) -> bool {
    steps.iter().all(|step| one(labels, step))
}

fn one(labels: &mut Working, step: &Relabel) -> bool {
    let joined = joined(labels, step);
    match step.action {
        RelabelAction::Keep => return step.regex.is_match(&joined),
        RelabelAction::Drop => return !step.regex.is_match(&joined),
        RelabelAction::KeepEqual => return value(labels, &step.target_label) == joined,
        RelabelAction::DropEqual => return value(labels, &step.target_label) != joined,
        RelabelAction::Replace => {
            let Some(found) = step.regex.captures(&joined) else { return true };
            let (mut name, mut text) = (String::new(), String::new());
            found.expand(&step.target_label, &mut name);
            found.expand(&step.replacement, &mut text);
            if is_name(&name) {
                set(labels, &name, &text);
            }
        }
        RelabelAction::HashMod => {
            let digest = Md5::digest(joined.as_bytes());
            // The last eight bytes, big-endian, as Prometheus takes them: shards agree with its own.
            let tail = digest.iter().rev().take(8).rev().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
            let remainder = tail.checked_rem(step.modulus).unwrap_or_default();
            set(labels, &step.target_label, &remainder.to_string());
        }
        RelabelAction::Lowercase => {
            let text = joined.to_lowercase();
            set(labels, &step.target_label, &text);
        }
        RelabelAction::Uppercase => {
            let text = joined.to_uppercase();
            set(labels, &step.target_label, &text);
        }
        RelabelAction::LabelMap => {
            let copies: Vec<(String, Arc<str>)> = labels
                .iter()
                .filter_map(|(name, value)| {
                    let mut to = String::new();
                    step.regex.captures(name)?.expand(&step.replacement, &mut to);
                    Some((to, Arc::clone(value)))
                })
                .collect();
            for (name, value) in copies {
                set(labels, &name, &value);
            }
        }
        RelabelAction::LabelDrop => labels.retain(|name, _| !step.regex.is_match(name)),
        RelabelAction::LabelKeep => labels.retain(|name, _| step.regex.is_match(name)),
    }
    true
}

fn joined<'l>(labels: &'l Working, step: &Relabel) -> Cow<'l, str> {
    match step.source_labels.as_slice() {
        [one] => match labels.get(one.as_str()) {
            // Borrowing would hold the labels that are about to change; these texts are short.
            Some(value) => Cow::Owned(value.to_string()),
            None => Cow::Borrowed(""),
        },
        several => {
            let values: Vec<&str> = several.iter().map(|name| value(labels, name)).collect();
            Cow::Owned(values.join(&step.separator))
        }
    }
}

fn value<'l>(labels: &'l Working, name: &str) -> &'l str {
    labels.get(name).map_or("", |value| value)
}

fn set(labels: &mut Working, name: &str, value: &str) {
    if value.is_empty() {
        labels.remove(name);
    } else {
        labels.insert(Arc::from(name), Arc::from(value));
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    fn step(action: RelabelAction) -> Relabel {
        Relabel {
            action,
            source_labels: vec!["a".into(), "b".into()],
            separator: ";".into(),
            regex: Regex::new("^(?s:(.*))$").unwrap(),
            modulus: 0,
            target_label: "d".into(),
            replacement: "$1".into(),
        }
    }

    fn regex(text: &str) -> Regex {
        Regex::new(&format!("^(?s:{text})$")).unwrap()
    }

    fn after(given: &[(&str, &str)], steps: &[Relabel]) -> Option<String> {
        let mut labels: Working = given.iter().map(|(n, v)| (Arc::from(*n), Arc::from(*v))).collect();
        apply(&mut labels, steps).then(|| labels.iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn each_action_does_what_prometheus_documents() {
        use RelabelAction::*;
        let given = [("a", "foo"), ("b", "bar"), ("c", "baz")];
        let with = |action, change: fn(&mut Relabel)| {
            let mut step = step(action);
            change(&mut step);
            after(&given, &[step])
        };
        assert_eq!(with(Replace, |_| ()).unwrap(), "a=foo b=bar c=baz d=foo;bar");
        assert_eq!(
            with(Replace, |s| {
                s.regex = regex("f(.*);(.*)r");
                s.replacement = "ch$1-${2}x".into();
            })
            .unwrap(),
            "a=foo b=bar c=baz d=choo-bax"
        );
        assert_eq!(with(Replace, |s| s.regex = regex("no")).unwrap(), "a=foo b=bar c=baz", "no match, no change");
        assert_eq!(
            with(Replace, |s| (s.target_label, s.replacement) = ("c".into(), String::new())).unwrap(),
            "a=foo b=bar"
        );
        assert_eq!(
            with(Replace, |s| (s.target_label, s.regex) = ("${1}_x".into(), regex("(foo).*"))).unwrap(),
            "a=foo b=bar c=baz foo_x=foo"
        );
        assert_eq!(with(Keep, |s| s.regex = regex("foo;bar")).unwrap(), "a=foo b=bar c=baz");
        assert_eq!(with(Keep, |s| s.regex = regex("foo")), None, "anchored");
        assert_eq!(with(Drop, |s| s.regex = regex("foo;.*")), None);
        assert_eq!(with(KeepEqual, |s| (s.source_labels, s.target_label) = (vec!["a".into()], "b".into())), None);
        assert!(with(DropEqual, |s| (s.source_labels, s.target_label) = (vec!["a".into()], "b".into())).is_some());
        assert_eq!(with(Uppercase, |_| ()).unwrap(), "a=foo b=bar c=baz d=FOO;BAR");
        assert_eq!(with(LabelDrop, |s| s.regex = regex("[ab]")).unwrap(), "c=baz");
        assert_eq!(with(LabelKeep, |s| s.regex = regex("[ab]")).unwrap(), "a=foo b=bar");
        assert_eq!(
            with(LabelMap, |s| (s.regex, s.replacement) = (regex("(a|b)"), "x_$1".into())).unwrap(),
            "a=foo b=bar c=baz x_a=foo x_b=bar"
        );
    }

    /// 976 is what Prometheus makes of `baz`: the low 64 bits of its MD5, big-endian, modulo 1000.
    #[test]
    fn hashmod_shards_as_prometheus_does() {
        let mut hash = step(RelabelAction::HashMod);
        (hash.source_labels, hash.modulus) = (vec!["c".into()], 1_000);
        assert_eq!(after(&[("c", "baz")], &[hash]).unwrap(), "c=baz d=976");
    }
}
