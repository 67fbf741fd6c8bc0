//! The rule packs that ship: every rule says what it is about, how urgent it is and what to do, and its unit tests pass.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use watchkeeper_config::model::RuleKind;
use watchkeeper_config::{ExprProblem, FileSystem, load_rule_tests, load_rules};
use watchkeeper_promql::Expr;

use super::{Outcome, run};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn packs() -> Vec<String> {
    let entries = std::fs::read_dir(root().join("rules/packs")).unwrap();
    let names =
        entries.filter_map(|e| e.unwrap().file_name().into_string().ok()?.strip_suffix(".yaml").map(str::to_owned));
    names.collect::<BTreeSet<_>>().into_iter().collect()
}

fn check(text: &str) -> Result<(), ExprProblem> {
    Expr::parse(text).map(drop).map_err(|e| ExprProblem { message: e.reason(), offset: e.offset(text) })
}

#[test]
fn there_is_a_pack_for_each_category_and_its_unit_tests_pass() {
    let packs = packs();
    let categories = ["application", "business", "database", "keyvault", "registry", "resource", "security"];
    assert_eq!(packs, categories);
    let mut passed = 0;
    for pack in packs {
        let file = root().join(format!("rules/packs/tests/{pack}_test.yaml"));
        let (tests, _) = load_rule_tests(&file, &FileSystem, &check).unwrap();
        let names: BTreeSet<String> = tests.tests.iter().map(|t| t.name.clone()).collect();
        for rule in tests.groups.iter().flat_map(|g| &g.rules) {
            for wanted in ["fires", "does not fire"] {
                assert!(
                    names.contains(&format!("{} {wanted}", rule.name)),
                    "{pack}: no test that {} {wanted}",
                    rule.name
                );
            }
        }
        for verdict in run(&tests) {
            assert_eq!(verdict.outcome, Outcome::Passed, "{pack}: line {}: {}", verdict.line, verdict.test);
            passed += 1;
        }
    }
    println!("{passed} passed");
}

#[test]
fn every_rule_of_a_pack_has_a_summary_and_a_runbook_that_exists() {
    for pack in packs() {
        let file = root().join(format!("rules/packs/{pack}.yaml"));
        let (groups, warnings) = load_rules(&[file], &FileSystem, &check).unwrap();
        assert_eq!(warnings.len(), 0, "{pack}");
        let runbook = std::fs::read_to_string(root().join(format!("docs/runbooks/{pack}.md"))).unwrap();
        for rule in groups.iter().flat_map(|g| &g.rules) {
            let RuleKind::Alerting { annotations, category, .. } = &rule.kind else { continue };
            assert_eq!(category.as_str(), pack, "{}", rule.name);
            assert!(annotations.contains_key("summary") && annotations.contains_key("description"), "{}", rule.name);
            let link = format!("{{{{ externalURL }}}}/docs/runbooks/{pack}#{}", rule.name.to_lowercase());
            assert_eq!(annotations.get("runbook_url"), Some(&link));
            assert!(runbook.contains(&format!("\n## {}\n", rule.name)), "no runbook for {}", rule.name);
        }
    }
}
