//! Prometheus's own test scripts, where the corpora are present: what passes must go on passing.
//!
//! The counts below are what the evaluator reaches; raise one when more passes.

#[path = "corpora/path.rs"]
mod corpora;

/// Script and how many of its evaluations pass.
const REACHED: &[(&str, usize)] = &[
    ("aggregators.test", 0),
    ("at_modifier.test", 0),
    ("collision.test", 0),
    ("extended_vectors.test", 0),
    ("fill-modifier.test", 0),
    ("functions.test", 0),
    ("histograms.test", 0),
    ("info.test", 0),
    ("name_label_dropping.test", 0),
    ("native_histograms.test", 0),
    ("operators.test", 0),
    ("range_queries.test", 0),
    ("selectors.test", 0),
    ("staleness.test", 0),
    ("start_timestamps.test", 0),
    ("subquery.test", 0),
    ("trig_functions.test", 0),
    ("type_and_unit.test", 0),
];

#[test]
fn the_scripts_of_prometheus_pass_as_far_as_recorded() {
    let Some(folder) = corpora::path("promql/promqltest") else { return };
    let mut fallen = Vec::new();
    for (name, reached) in REACHED {
        let text = std::fs::read_to_string(folder.join(name)).expect(name);
        let report = watchkeeper_promql::script::run(&text);
        println!("{name}: {} passed, {} failed, {} skipped", report.passed, report.failed, report.skipped);
        for failure in &report.failures {
            println!("  line {}: {} -- {}", failure.line, failure.expr, failure.reason);
        }
        if report.passed < *reached {
            fallen.push(format!("{name}: {} instead of {reached}", report.passed));
        }
    }
    assert!(fallen.is_empty(), "fewer evaluations pass than before: {fallen:?}");
}
