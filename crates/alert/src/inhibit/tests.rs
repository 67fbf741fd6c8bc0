//! Which alert mutes which.

use watchkeeper_config::model::InhibitRule;
use watchkeeper_domain::ids::AlertId;
use watchkeeper_domain::{Labels, Matcher};

use super::Sources;

fn rule(source: &str, target: &str, equal: &[&str]) -> InhibitRule {
    InhibitRule {
        source_matchers: vec![Matcher::parse(source).unwrap()],
        target_matchers: vec![Matcher::parse(target).unwrap()],
        equal: equal.iter().map(|name| (*name).to_owned()).collect(),
    }
}

fn inhibited(rules: &[InhibitRule], sources: &[&[(&str, &str)]], target: &[(&str, &str)]) -> Option<usize> {
    let id = |at: usize| format!("alr_{:032x}", at + 1).parse::<AlertId>().unwrap();
    let firing: Vec<_> =
        sources.iter().enumerate().map(|(at, labels)| (id(at), Labels::from_pairs(labels.iter().copied()))).collect();
    let found = Sources::new(rules, &firing).inhibitor(&Labels::from_pairs(target.iter().copied()))?;
    firing.iter().position(|(source, _)| *source == found)
}

#[test]
fn a_source_mutes_targets_with_equal_labels_only() {
    let rules = [rule("severity=\"critical\"", "severity=\"medium\"", &["service"])];
    let source: &[(&str, &str)] = &[("severity", "critical"), ("service", "payments")];
    assert_eq!(inhibited(&rules, &[source], &[("severity", "medium"), ("service", "payments")]), Some(0));
    assert_eq!(inhibited(&rules, &[source], &[("severity", "medium"), ("service", "front")]), None);
    assert_eq!(inhibited(&rules, &[source], &[("severity", "low"), ("service", "payments")]), None);
    assert_eq!(inhibited(&rules, &[], &[("severity", "medium"), ("service", "payments")]), None);
}

#[test]
fn labels_that_both_lack_are_equal() {
    let rules = [rule("severity=\"critical\"", "severity=\"medium\"", &["service", "zone"])];
    assert_eq!(inhibited(&rules, &[&[("severity", "critical")]], &[("severity", "medium")]), Some(0));
    let target = [("severity", "medium"), ("zone", "1")];
    assert_eq!(inhibited(&rules, &[&[("severity", "critical")]], &target), None);
}

#[test]
fn an_alert_on_both_sides_is_not_muted_by_itself_nor_by_another_such_one() {
    let rules = [rule("page=\"yes\"", "severity=~\".+\"", &[])];
    let both: &[(&str, &str)] = &[("page", "yes"), ("severity", "high")];
    assert_eq!(inhibited(&rules, &[both], both), None);
    assert_eq!(inhibited(&rules, &[both], &[("severity", "low")]), Some(0));
    assert_eq!(inhibited(&rules, &[both, &[("page", "yes")]], both), Some(1));
}

#[test]
fn the_second_rule_is_tried_when_the_first_does_not_apply() {
    let rules = [rule("a=\"1\"", "t=\"1\"", &[]), rule("b=\"1\"", "t=\"1\"", &[])];
    assert_eq!(inhibited(&rules, &[&[("b", "1")]], &[("t", "1")]), Some(0));
}
