//! Rules of the language that alerts rest on, each as a small script.
//!
//! Not Prometheus's own scripts: those run in `prometheus_scripts`.

use watchkeeper_promql::script;

fn holds(script: &str) {
    let report = script::run(script);
    assert!(report.failures.is_empty(), "{:#?}", report.failures);
    assert!(report.passed > 0, "nothing was evaluated");
}

#[test]
fn windows_are_open_on_the_left_and_closed_on_the_right() {
    holds(
        "load 1m
           m 1 2 3 4 5 6

         eval instant at 3m count_over_time(m[1m])
           {} 1

         eval instant at 3m count_over_time(m[2m])
           {} 2

         eval instant at 3m sum_over_time(m[1m] offset 1m)
           {} 3",
    );
}

#[test]
fn the_lookback_excludes_its_far_end_and_stale_markers_end_a_series() {
    holds(
        "load 1m
           m 7
           gone 1 1 stale

         eval instant at 299s m
           m 7

         eval instant at 300s m

         eval instant at 90s gone
           gone 1

         eval instant at 2m gone

         eval instant at 2m count_over_time(gone[3m])
           {} 2",
    );
}

#[test]
fn a_restart_of_a_counter_is_no_fall() {
    holds(
        "load 1m
           c_total 10 20 30 5 15 25

         eval instant at 5m increase(c_total[6m])
           {} 54

         eval instant at 5m resets(c_total[6m])
           {} 1

         eval instant at 3m irate(c_total[5m])
           {} 0.08333333333333333

         eval instant at 5m delta(c_total[6m])
           {} 18",
    );
}

#[test]
fn a_counter_is_not_extrapolated_below_zero() {
    // Between the samples it grows by 40; back to zero would be 15 s and not half an interval.
    holds(
        "load 1m
           c_total _ _ 10 50

         eval instant at 3m increase(c_total[3m])
           {} 50",
    );
}

#[test]
fn comparisons_filter_and_keep_the_name_and_bool_does_neither() {
    holds(
        "load 1m
           m{a=\"1\"} 1x5
           m{a=\"2\"} 3x5

         eval instant at 1m m > 2
           m{a=\"2\"} 3

         eval instant at 1m 2 < m
           m{a=\"2\"} 3

         eval instant at 1m m > bool 2
           {a=\"1\"} 0
           {a=\"2\"} 1

         eval instant at 1m m == NaN

         eval instant at 1m m != NaN
           m{a=\"1\"} 1
           m{a=\"2\"} 3",
    );
}

#[test]
fn vectors_match_by_the_labels_that_are_asked_for() {
    holds(
        "load 1m
           errors{job=\"a\", code=\"500\"} 5x5
           errors{job=\"a\", code=\"503\"} 15x5
           errors{job=\"b\", code=\"500\"} 1x5
           requests{job=\"a\"} 100x5
           owner{job=\"a\", team=\"core\"} 1x5

         eval instant at 1m sum by (job) (errors) / requests
           {job=\"a\"} 0.2

         eval instant at 1m errors / on(job) group_left requests
           {job=\"a\", code=\"500\"} 0.05
           {job=\"a\", code=\"503\"} 0.15

         eval instant at 1m errors * on(job) group_left(team) owner
           {job=\"a\", code=\"500\", team=\"core\"} 5
           {job=\"a\", code=\"503\", team=\"core\"} 15

         eval instant at 1m owner * on(job) group_right(team) errors
           {job=\"a\", code=\"500\", team=\"core\"} 5
           {job=\"a\", code=\"503\", team=\"core\"} 15

         eval instant at 1m errors / on(job) requests
           expect fail regex: many-to-one matching must be explicit

         eval instant at 1m requests / on(job) errors
           expect fail regex: found duplicate series for the match group .job=\"a\". on the right hand-side

         eval instant at 1m absent_metric / on(job) errors

         eval instant at 1m errors * on(job) absent_metric

         eval instant at 1m errors * on(job) group_left(code) owner < 0
           expect fail msg: multiple matches for labels: grouping labels must ensure unique matches

         eval instant at 1m errors < on(job) group_left(code) owner
           expect fail msg: multiple matches for labels: grouping labels must ensure unique matches

         eval instant at 1m errors unless on(job) requests
           errors{job=\"b\", code=\"500\"} 1

         eval instant at 1m errors{code=\"503\"} or errors{job=\"b\"}
           errors{job=\"a\", code=\"503\"} 15
           errors{job=\"b\", code=\"500\"} 1",
    );
}

#[test]
fn a_line_through_one_value_is_level_and_through_no_number_is_none() {
    holds(
        "load 1m
           level 2x5
           none NaNx5
           high Infx5

         eval instant at 4m deriv(level[5m])
           {} 0

         eval instant at 4m deriv(none[5m])
           {} NaN

         eval instant at 4m predict_linear(high[5m], 60)
           {} NaN",
    );
}

#[test]
fn a_histogram_beside_a_filled_number_has_no_sum_and_may_be_scaled() {
    holds(
        "load 1m
           h{a=\"1\"} {{count:2 sum:4 buckets:[2]}}x5
           n{a=\"2\"} 3x5

         eval instant at 1m h + on(a) fill(0) n
           {a=\"2\"} 3

         eval instant at 1m {__name__=~\"h|n\"} + on() group_left() vector(1)
           {a=\"2\"} 4

         eval instant at 1m vector(1) + on() {__name__=~\"h\"}
           expect info
           expect no_warn

         eval instant at 1m h * on(a) fill(2) n
           {a=\"1\"} {{count:4 sum:8 buckets:[4]}}
           {a=\"2\"} 6",
    );
}

#[test]
fn rows_that_become_equal_are_an_error_only_where_they_meet() {
    holds(
        "load 1m
           m{x=\"1\"} 1 _ _
           n{x=\"1\"} _ _ _ _ _ _ _ 2
           o{x=\"1\"} 3x10

         eval instant at 0 abs({__name__=~\"m|o\"})
           expect fail msg: vector cannot contain metrics with the same labelset

         eval range from 0 to 8m step 4m abs({__name__=~\"m|n\"})
           {x=\"1\"} 1 1 2",
    );
}

#[test]
fn absence_is_labelled_by_what_was_looked_for() {
    holds(
        "load 1m
           here 1x5

         eval instant at 1m absent(here)

         eval instant at 1m absent(gone{job=\"a\", code=~\"5..\", zone=\"x\", zone!=\"y\"})
           {job=\"a\"} 1

         eval instant at 1m absent_over_time(gone{job=\"a\"}[5m])
           {job=\"a\"} 1

         eval instant at 1m absent(sum(gone))
           {} 1

         eval range from 0 to 12m step 6m absent(here)
           {} _ _ 1",
    );
}

#[test]
fn quantiles_of_buckets_interpolate_and_are_made_monotonic() {
    holds(
        "load 1m
           b{le=\"0.1\"} 50x5
           b{le=\"0.2\"} 100x5
           b{le=\"+Inf\"} 100x5
           bad{le=\"0.1\"} 50x5
           bad{le=\"0.2\"} 40x5
           bad{le=\"+Inf\"} 100x5
           open{le=\"0.1\"} 50x5
           open{le=\"0.2\"} 100x5

         eval instant at 1m histogram_quantile(0.75, b)
           {} 0.15

         eval instant at 1m histogram_quantile(0.25, b)
           {} 0.05

         eval instant at 1m histogram_quantile(1, b)
           {} 0.2

         eval instant at 1m histogram_quantile(2, b)
           expect warn
           {} Inf

         eval instant at 1m histogram_quantile(0.9, bad)
           expect info
           {} 0.2

         eval instant at 1m histogram_quantile(0.5, open)
           {} NaN",
    );
}

#[test]
fn subqueries_step_at_multiples_of_their_step() {
    holds(
        "load 10s
           m 0+1x60

         eval instant at 95s count_over_time(m[30s:10s])
           {} 3

         eval instant at 95s max_over_time(m[30s:20s])
           {} 8

         eval instant at 100s sum_over_time((m > 8)[40s:10s])
           {} 19

         eval instant at 100s max_over_time(vector(time())[30s:7s])
           {} 98",
    );
}

#[test]
fn at_pins_a_selector_and_offset_goes_back_from_there() {
    holds(
        "load 1m
           m 0+1x20

         eval range from 5m to 10m step 5m m @ 120
           m 2 2

         eval range from 5m to 10m step 5m m @ end() offset 1m
           m 9 9

         eval range from 5m to 10m step 5m sum_over_time(m[2m] @ start())
           {} 9 9",
    );
}

#[test]
fn ranking_ends_with_nan_and_orders_instant_answers() {
    holds(
        "load 1m
           m{a=\"1\"} 1x5
           m{a=\"2\"} NaNx5
           m{a=\"3\"} 3x5

         eval instant at 1m topk(3, m)
           expect ordered
           m{a=\"3\"} 3
           m{a=\"1\"} 1
           m{a=\"2\"} NaN

         eval instant at 1m bottomk(2, m)
           expect ordered
           m{a=\"1\"} 1
           m{a=\"3\"} 3

         eval instant at 1m sort_desc(m)
           expect ordered
           m{a=\"3\"} 3
           m{a=\"1\"} 1
           m{a=\"2\"} NaN

         eval instant at 1m quantile(0.5, m != NaN)
           {} 1

         eval instant at 1m count_values(\"v\", m)
           {v=\"1\"} 1
           {v=\"3\"} 1
           {v=\"NaN\"} 1",
    );
}

#[test]
fn labels_are_taken_apart_and_joined() {
    holds(
        "load 1m
           m{host=\"db-1.example\", zone=\"x\"} 1x5

         eval instant at 1m label_replace(m, \"short\", \"${1}!\", \"host\", \"([^.]+)[.].*\")
           m{host=\"db-1.example\", zone=\"x\", short=\"db-1!\"} 1

         eval instant at 1m label_replace(m, \"short\", \"$1\", \"host\", \"no(match)\")
           m{host=\"db-1.example\", zone=\"x\"} 1

         eval instant at 1m label_replace(m, \"zone\", \"\", \"zone\", \".*\")
           m{host=\"db-1.example\"} 1

         eval instant at 1m label_join(m, \"at\", \"/\", \"zone\", \"none\", \"host\")
           m{host=\"db-1.example\", zone=\"x\", at=\"x//db-1.example\"} 1",
    );
}
