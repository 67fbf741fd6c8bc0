//! The runner itself: it must fail where it should.

use super::*;

fn counts(text: &str) -> (usize, usize, usize) {
    let report = run(text);
    (report.passed, report.failed, report.skipped)
}

#[test]
fn right_expectations_pass_and_wrong_ones_fail() {
    let load = "load 1m\n  m{a=\"1\"} 1+1x3 _ stale\n\n";
    assert_eq!(counts(&format!("{load}eval instant at 2m m\n  m{{a=\"1\"}} 3\n")), (1, 0, 0));
    assert_eq!(counts(&format!("{load}eval instant at 2m m\n  m{{a=\"1\"}} 4\n")), (0, 1, 0));
    assert_eq!(counts(&format!("{load}eval instant at 2m m\n")), (0, 1, 0));
    assert_eq!(counts(&format!("{load}eval instant at 2m nothing\n  m{{a=\"1\"}} 3\n")), (0, 1, 0));
    assert_eq!(counts(&format!("{load}eval range from 0 to 5m step 1m m\n  m{{a=\"1\"}} 1 2 3 4 4 _\n")), (1, 0, 0));
    assert_eq!(counts(&format!("{load}eval range from 0 to 5m step 1m m\n  m{{a=\"1\"}} 1 2 3 4 _ _\n")), (0, 1, 0));
}

#[test]
fn failures_and_annotations_are_compared() {
    let load = "load 1m\n  m{a=\"1\"} 1x5\n  m{a=\"2\"} 1x5\n\n";
    let query = "eval instant at 1m m + on() m\n";
    assert_eq!(counts(&format!("{load}{query}  expect fail regex: found duplicate series\n")), (1, 0, 0));
    assert_eq!(counts(&format!("{load}{query}  expect fail regex: many.*allowed\n")), (1, 0, 0));
    assert_eq!(counts(&format!("{load}{query}  expect fail msg: found duplicate series\n")), (0, 1, 0));
    assert_eq!(counts(&format!("{load}{query}  expect fail msg: something else\n")), (0, 1, 0));
    assert_eq!(counts(&format!("{load}eval instant at 1m m\n  expect fail\n")), (0, 1, 0));
    let rate = "eval instant at 5m sum(rate(m[5m]))\n  {} 0\n";
    assert_eq!(counts(&format!("{load}{rate}  expect info\n")), (1, 0, 0));
    assert_eq!(counts(&format!("{load}{rate}  expect no_info\n")), (0, 1, 0));
    assert_eq!(counts(&format!("{load}{rate}  expect warn\n")), (0, 1, 0));
}

#[test]
fn native_histograms_are_compared_bucket_by_bucket_and_hints_where_they_are_given() {
    let load = "load 1m\n  h {{schema:0 sum:1 count:2 buckets:[1 1]}}+{{sum:1 count:1 buckets:[0 1]}}x5\n\n";
    let query = "eval instant at 1m h\n";
    assert_eq!(counts(&format!("{load}{query}  h {{{{sum:2 count:3 buckets:[1 2]}}}}\n")), (1, 0, 0));
    assert_eq!(counts(&format!("{load}{query}  h {{{{sum:2 count:3 buckets:[2 1]}}}}\n")), (0, 1, 0));
    let hinted =
        |hint: &str| format!("{load}{query}  h {{{{sum:2 count:3 buckets:[1 2] counter_reset_hint:{hint}}}}}\n");
    assert_eq!(counts(&hinted("not_reset")), (1, 0, 0));
    assert_eq!(counts(&hinted("gauge")), (0, 1, 0));
    assert_eq!(counts("load 1m\n  h {{count:1 count:2}}\n"), (0, 0, 1));
}

#[test]
fn what_cannot_be_read_is_skipped_and_told() {
    let report = run("frobnicate\n\nload soon\n  m 1\n");
    assert_eq!((report.passed, report.failed, report.skipped), (0, 0, 2));
    assert_eq!(report.failures[1].line, 3);
    assert_eq!(run(&format!("load 1m\n  m 1x{}\n", "9".repeat(30))).skipped, 1);
}

#[test]
fn points_expand_as_in_promtool() {
    let text =
        "load 1m\n  m 1-2x2 5x1 _x2 -1e+1 Inf\n\neval range from 0 to 8m step 1m m\n  m 1 -1 -3 5 5 5 5 -10 Inf\n";
    let report = run(text);
    assert_eq!(report.failures, []);
}
