//! The rule pack that ships: every expression can be analysed, every category is there, every alert says what to do.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use watchkeeper_domain::{Category, Priority};

use crate::plan::Plan;

#[derive(Deserialize)]
struct File {
    groups: Vec<GroupEntry>,
}

#[derive(Deserialize)]
struct GroupEntry {
    rules: Vec<RuleEntry>,
}

#[derive(Deserialize)]
struct RuleEntry {
    alert: String,
    expr: String,
    category: Category,
    priority: Priority,
    annotations: BTreeMap<String, String>,
}

#[test]
fn the_seed_rules_parse_cover_all_categories_and_say_what_to_do() {
    let file: File = serde_saphyr::from_str(include_str!("../../../../../rules/seed.yaml")).unwrap();
    let rules: Vec<RuleEntry> = file.groups.into_iter().flat_map(|g| g.rules).collect();
    for rule in &rules {
        let plan = Plan::new(&rule.expr).unwrap_or_else(|e| panic!("{}: {e}", rule.alert));
        assert!(plan.comparison.is_some(), "{} has a threshold to show", rule.alert);
        for needed in ["summary", "description", "impact", "runbook_url"] {
            assert!(rule.annotations.contains_key(needed), "{} lacks {needed}", rule.alert);
        }
        for text in rule.annotations.values() {
            watchkeeper_lang::go_template::Template::parse(text).unwrap_or_else(|e| panic!("{}: {e}", rule.alert));
        }
    }
    let covered: BTreeSet<Category> = rules.iter().map(|r| r.category).collect();
    assert_eq!(covered.len(), Category::ALL.len());
    let priority = |name: &str| rules.iter().find(|r| r.alert == name).unwrap().priority;
    assert_eq!(priority("ServiceUnreachable"), Priority::Critical);
    assert_eq!(priority("FailedLogins"), Priority::High);
    assert_eq!(priority("ApiErrorRate"), Priority::Medium);
    assert_eq!(priority("DatabaseSlowQueries"), Priority::Medium);
    assert_eq!(priority("PageLoadSlow"), Priority::Low);
}
