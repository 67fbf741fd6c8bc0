//! Recording rules: a result becomes new samples.
//!
//! Not appending: the scheduler hands the batch to the telemetry sink.

use std::collections::BTreeSet;

use watchkeeper_config::model::Rule;
use watchkeeper_domain::labels::NAME;
use watchkeeper_domain::query::{NativeElement, NativeValue};
use watchkeeper_domain::telemetry::{Batch, HistogramPoint, STALE_NAN_BITS, Sample, SeriesHistograms, SeriesSamples};
use watchkeeper_domain::{Labels, Timestamp};

/// The samples of one evaluation, and the series that they belong to. Series that were written the last time and are
/// not in the result any more get a stale marker, so that queries do not go on showing them.
pub(crate) fn batch(
    rule: &Rule,
    result: Vec<NativeElement>,
    before: &BTreeSet<Labels>,
    at: Timestamp,
) -> Result<(Batch, BTreeSet<Labels>), String> {
    let t = at.as_millis();
    let sample =
        |labels: &Labels, v| SeriesSamples { labels: labels.clone(), samples: vec![Sample { t, v }], start: None };
    let mut written = BTreeSet::new();
    let (mut all, mut histograms) = (Vec::with_capacity(result.len()), Vec::new());
    for element in result {
        let labels = series(rule, &element.labels);
        match element.value {
            NativeValue::Float(v) => all.push(sample(&labels, v)),
            NativeValue::Histogram(histogram) => {
                let samples = vec![HistogramPoint { t, histogram }];
                histograms.push(SeriesHistograms { labels: labels.clone(), samples, start: None });
            }
        }
        if let Some(twice) = (!written.insert(labels.clone())).then_some(labels) {
            return Err(format!("two results become the same series {twice} once the rule's labels are applied"));
        }
    }
    all.extend(before.difference(&written).map(|gone| sample(gone, f64::from_bits(STALE_NAN_BITS))));
    Ok((Batch { series: all, histograms, ..Batch::default() }, written))
}

/// The series that an element of the result becomes.
pub(crate) fn series(rule: &Rule, result: &Labels) -> Labels {
    let own = rule.labels.iter().map(|(n, v)| (n.as_str(), v.as_str())).chain([(NAME, rule.name.as_str())]);
    result.iter().chain(own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use watchkeeper_config::model::RuleKind;
    use watchkeeper_domain::telemetry::is_stale;

    fn rule() -> Rule {
        Rule {
            id: "g/job:up:sum".into(),
            name: "job:up:sum".into(),
            expr: "sum by (job) (up)".into(),
            kind: RuleKind::Recording,
            labels: [("team".to_owned(), "sre".to_owned())].into(),
            line: 1,
        }
    }

    #[test]
    fn a_series_that_left_the_result_is_marked_stale_once() {
        let at = Timestamp::from_secs(10);
        let element =
            |job: &str| NativeElement { labels: Labels::from_pairs([("job", job)]), value: NativeValue::Float(1.0) };
        let (first, written) = batch(&rule(), vec![element("a"), element("b")], &BTreeSet::new(), at).unwrap();
        assert_eq!(first.series[0].labels.to_string(), r#"job:up:sum{job="a", team="sre"}"#);
        let (second, written) = batch(&rule(), vec![element("a")], &written, at).unwrap();
        assert_eq!(second.series.len(), 2);
        assert!(is_stale(second.series[1].samples[0].v));
        let (third, _) = batch(&rule(), vec![element("a")], &written, at).unwrap();
        assert_eq!(third.series.len(), 1);
    }

    #[test]
    fn results_that_become_one_series_are_refused() {
        let element = |team: &str| NativeElement {
            labels: Labels::from_pairs([("team", team)]),
            value: NativeValue::Histogram(std::sync::Arc::default()),
        };
        assert!(batch(&rule(), vec![element("a"), element("b")], &BTreeSet::new(), Timestamp::default()).is_err());
    }
}
