//! Groups of one name in several files, as people who bring Prometheus's rule files have them.

use super::*;

#[test]
fn groups_of_one_name_in_several_files_have_rules_with_ids_of_their_own() {
    let text = |groups: &[&str]| {
        let group = |group: &&str| format!("  - {{name: '{group}', rules: [{{alert: Down, expr: up == 0}}]}}\n");
        format!("groups:\n{}", groups.iter().map(group).collect::<String>())
    };
    let source = Memory::default()
        .file("a.yaml", &text(&["exporter", "exporter#2"]))
        .file("b.yaml", &text(&["exporter"]))
        .file("c.yaml", &text(&["exporter"]))
        .file("d.yaml", &text(&["exporter", "exporter"]));
    let files = ["a.yaml", "b.yaml", "c.yaml"].map(PathBuf::from);
    let (groups, _) = load_rules(&files, &source, &|_| Ok(())).unwrap();
    let ids: Vec<&str> = groups.iter().flat_map(|g| &g.rules).map(|r| r.id.as_str()).collect();
    assert_eq!(ids, ["exporter/Down", "exporter#2/Down", "exporter#3/Down", "exporter#4/Down"]);
    assert_eq!(groups[3].name, "exporter");
    let problems = load_rules(&["d.yaml".into()], &source, &|_| Ok(())).unwrap_err();
    assert_eq!(problems[0].code, watchkeeper_domain::Code::ConfigDuplicate);
}
