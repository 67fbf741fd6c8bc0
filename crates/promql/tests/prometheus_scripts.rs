//! Prometheus's own test scripts, where the corpora are present: what passes must go on passing.
//!
//! The counts below are what the evaluator reaches; raise one when more passes.

#[path = "corpora/path.rs"]
mod corpora;

/// Script and how many of its evaluations pass.
const REACHED: &[(&str, usize)] = &[
    ("aggregators.test", 87),
    ("at_modifier.test", 78),
    ("collision.test", 2),
    ("extended_vectors.test", 24),
    ("fill-modifier.test", 30),
    ("functions.test", 161),
    ("histograms.test", 93),
    ("info.test", 0),
    ("name_label_dropping.test", 23),
    ("native_histograms.test", 3),
    ("operators.test", 77),
    ("range_queries.test", 14),
    ("selectors.test", 10),
    ("staleness.test", 17),
    ("start_timestamps.test", 0),
    ("subquery.test", 26),
    ("trig_functions.test", 1),
    ("type_and_unit.test", 29),
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
