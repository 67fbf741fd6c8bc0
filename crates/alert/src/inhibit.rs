//! Inhibition: while a source alert fires, targets with equal labels are not told. Pure.
//!
//! Not silences, which people make. The meaning is Alertmanager's: a label that is absent on both sides is equal, and an
//! alert that matches both sides of a rule is not muted by another one that does.

use std::collections::HashMap;

use watchkeeper_config::model::InhibitRule;
use watchkeeper_domain::ids::AlertId;
use watchkeeper_domain::{Labels, Matcher};

/// The firing sources of all rules, ready to be asked.
pub struct Sources<'a>(Vec<(&'a InhibitRule, HashMap<Vec<String>, Found>)>);

/// The sources of one rule that have the same values of the `equal` labels.
#[derive(Default)]
struct Found {
    one_sided: Option<AlertId>,
    two_sided: Option<AlertId>,
}

impl<'a> Sources<'a> {
    /// Sorts the firing alerts by the rules that they are a source of.
    #[must_use]
    pub fn new(rules: &'a [InhibitRule], firing: &[(AlertId, Labels)]) -> Self {
        let of_rule = |rule: &'a InhibitRule| {
            let mut found: HashMap<Vec<String>, Found> = HashMap::new();
            for (id, labels) in firing.iter().filter(|(_, labels)| all(&rule.source_matchers, labels)) {
                let entry = found.entry(equal_values(rule, labels)).or_default();
                let side = if all(&rule.target_matchers, labels) { &mut entry.two_sided } else { &mut entry.one_sided };
                side.get_or_insert(*id);
            }
            (rule, found)
        };
        Self(rules.iter().map(of_rule).collect())
    }

    /// The alert that mutes this one, if there is one.
    #[must_use]
    pub fn inhibitor(&self, labels: &Labels) -> Option<AlertId> {
        self.0.iter().filter(|(rule, _)| all(&rule.target_matchers, labels)).find_map(|(rule, found)| {
            let found = found.get(&equal_values(rule, labels))?;
            let is_source_too = all(&rule.source_matchers, labels);
            found.one_sided.or(if is_source_too { None } else { found.two_sided })
        })
    }
}

fn all(matchers: &[Matcher], labels: &Labels) -> bool {
    matchers.iter().all(|matcher| matcher.matches(labels))
}

fn equal_values(rule: &InhibitRule, labels: &Labels) -> Vec<String> {
    rule.equal.iter().map(|name| labels.get(name).unwrap_or("").to_owned()).collect()
}

#[cfg(test)]
mod tests;
