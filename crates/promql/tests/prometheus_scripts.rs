//! Prometheus's own test scripts, where the corpora are present: every evaluation gives what it says.
//!
//! Not our own cases: `evaluation` and `semantics` have those.

#[path = "corpora/path.rs"]
mod corpora;

#[test]
fn the_scripts_of_prometheus_pass() {
    let Some(folder) = corpora::path("promql/promqltest") else { return };
    let mut names: Vec<_> = std::fs::read_dir(folder).expect("readable").map(|e| e.expect("entry").path()).collect();
    names.retain(|path| path.extension().is_some_and(|e| e == "test"));
    names.sort();
    let mut wrong = Vec::new();
    for path in &names {
        let text = std::fs::read_to_string(path).expect("readable");
        let name = path.file_name().expect("name").to_string_lossy();
        let report = watchkeeper_promql::script::run(&text);
        println!("{name}: {} passed, {} failed, {} skipped", report.passed, report.failed, report.skipped);
        let evaluations = text.lines().filter(|line| line.trim_start().starts_with("eval")).count();
        if report.passed != evaluations {
            wrong.push(format!("{name}: {} of {evaluations} pass", report.passed));
        }
        let failures = report.failures.iter();
        wrong.extend(failures.map(|f| format!("{name}:{}: {} -- {}", f.line, f.expr, f.reason)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(names.len() >= 18, "the corpus has 18 scripts");
}
