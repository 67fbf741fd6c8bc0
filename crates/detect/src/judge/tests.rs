//! Tests of the judgement: false, gone and silent are three different things.

use watchkeeper_domain::query::Element;

use super::*;
use crate::findings::Presence;

fn labels(service: &str) -> Labels {
    Labels::from_pairs([("service", service)])
}

fn element(service: &str, value: f64) -> Element {
    Element { labels: labels(service), value }
}

fn judged(found: Findings, known: &[Labels], on_no_data: OnNoData) -> Judgement {
    judge(Ok(found), known, &|l: &Labels| l.clone(), on_no_data, || "no series of x".into())
}

fn of<'a>(judgement: &'a Judgement, service: &str) -> &'a Observation {
    &judgement.seen.iter().find(|s| s.identity == labels(service)).unwrap().observation
}

#[test]
fn an_instance_that_left_the_result_is_false_only_while_its_series_has_data() {
    let found = Findings {
        holds: vec![element("a", 9.0)],
        compared: vec![element("a", 9.0), element("b", 1.0)],
        present: Some(Presence { groups: vec![labels("a"), labels("b"), labels("c")], metric: true }),
    };
    let known = ["a", "b", "c", "d"].map(labels);
    let judgement = judged(found, &known, OnNoData::Unknown);
    assert_eq!(of(&judgement, "a"), &Observation::True { value: Some(9.0) });
    assert_eq!(of(&judgement, "b"), &Observation::False { value: Some(1.0) });
    assert_eq!(of(&judgement, "c"), &Observation::False { value: None });
    assert!(matches!(of(&judgement, "d"), Observation::Unknown { cause: Cause::SeriesGone, .. }));
    assert_eq!(judgement.unknown, None);
}

#[test]
fn silence_is_what_the_rule_says_it_is() {
    let silent = Findings { present: Some(Presence::default()), ..Findings::default() };
    let known = [labels("a")];
    let unknown = judged(silent.clone(), &known, OnNoData::Unknown);
    assert!(matches!(of(&unknown, "a"), Observation::Unknown { cause: Cause::NoData, .. }));
    assert_eq!(unknown.unknown, Some((Cause::NoData, "no series of x".into())));
    let ok = judged(silent.clone(), &known, OnNoData::Ok);
    assert_eq!((of(&ok, "a"), &ok.unknown), (&Observation::False { value: None }, &None));
    let firing = judged(silent.clone(), &[], OnNoData::Firing);
    assert_eq!(firing.seen[0].observation, Observation::True { value: None });
    assert_eq!(judged(silent, &known, OnNoData::Firing).seen.len(), 1);
}

#[test]
fn a_failed_query_makes_every_instance_unknown_with_the_reason() {
    let error = QueryError::Unavailable("connection refused".into());
    let judgement = judge(Err(error), &[labels("a")], &|l: &Labels| l.clone(), OnNoData::Ok, String::new);
    let Observation::Unknown { cause: Cause::QueryFailed, reason } = of(&judgement, "a") else { panic!("not unknown") };
    assert!(reason.contains("connection refused"));
    assert!(judgement.unknown.is_some());
}

#[test]
fn two_results_for_one_alert_are_an_error_and_not_a_choice() {
    let found = Findings { holds: vec![element("a", 1.0), element("b", 2.0)], ..Findings::default() };
    let judgement = judge(Ok(found), &[], &|_: &Labels| Labels::empty(), OnNoData::Unknown, String::new);
    assert!(judgement.unknown.unwrap().1.contains("same alert"));
    assert!(judgement.seen.is_empty());
}
