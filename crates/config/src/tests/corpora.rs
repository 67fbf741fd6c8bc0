//! Files that other people wrote: they must load, or be refused for a reason that is known.

use super::*;

fn folder() -> Option<PathBuf> {
    let folder = std::env::var("WATCHKEEPER_CORPORA")
        .map_or_else(|_| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora")), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no corpora at {}", folder.display());
    None
}

fn yaml_files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            yaml_files(&path, out);
        } else if path.extension().is_some_and(|e| e == "yml" || e == "yaml") {
            out.push(path);
        }
    }
    out.sort();
}

#[test]
fn rule_files_of_the_field_load() {
    let Some(folder) = folder() else { return };
    let mut files = vec![folder.join("rules/prometheus_alerts.yaml"), folder.join("rules/prometheus_rules.yaml")];
    yaml_files(&folder.join("rules/awesome-prometheus-alerts"), &mut files);
    let (mut passed, mut rules, mut refused) = (0, 0, Vec::new());
    for file in &files {
        match load_rules(std::slice::from_ref(file), &FileSystem, &|_| Ok(())) {
            Ok((groups, _)) => {
                passed += 1;
                rules += groups.iter().map(|g| g.rules.len()).sum::<usize>();
            }
            Err(problems) => refused.push(plain(&problems)),
        }
    }
    println!("{passed} passed ({rules} rules), {} failed\n{}", refused.len(), refused.join("\n"));
    assert!(rules > 650, "only {rules} rules were read");
    assert!(refused.is_empty());
}

#[test]
fn prometheus_verdicts_on_bad_rule_files_are_ours() {
    let Some(folder) = folder() else { return };
    for (name, accepted) in [("rules.yml", true), ("rules_extrafields.yml", false), ("rules_duplicates.yml", false)] {
        let file = folder.join("rules/promtool").join(name);
        let got = load_rules(std::slice::from_ref(&file), &FileSystem, &|_| Ok(()));
        assert_eq!(got.is_ok(), accepted, "{name}: {}", got.err().map(|e| plain(&e)).unwrap_or_default());
    }
}
