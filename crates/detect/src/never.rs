//! Rules that can never fire: what they select does not exist, with the nearest name that does.
//!
//! Not a verdict: a rule whose metric has not been reported yet is one of these, too, and becomes an ordinary rule when the
//! first sample arrives. People look at the list; nothing waits for it.

use watchkeeper_domain::labels::NAME;
use watchkeeper_domain::{MatchOp, Matcher};
use watchkeeper_promql::{Expr, Selector};

use crate::active;
use crate::nearest::nearest;

/// What series there are, over all that is stored.
pub trait Catalog: Send + Sync {
    /// The names of all metrics.
    fn metrics(&self) -> Vec<String>;
    /// Whether a series matches.
    fn any(&self, matchers: &[Matcher]) -> bool;
    /// The names of the labels of the series that match.
    fn label_names(&self, matchers: &[Matcher]) -> Vec<String>;
    /// The values of a label among the series that match.
    fn label_values(&self, matchers: &[Matcher], label: &str) -> Vec<String>;
}

/// What is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// The metric.
    Metric,
    /// A label of the metric.
    Label,
    /// A value of the label.
    Value,
    /// A series with all of these at once.
    Combination,
}

impl Missing {
    /// The word used in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Metric => "metric",
            Self::Label => "label",
            Self::Value => "value",
            Self::Combination => "combination",
        }
    }
}

/// A selector that selects nothing, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The selector as an expression.
    pub selector: String,
    /// What is not there.
    pub missing: Missing,
    /// The name or value as the rule has it.
    pub wanted: String,
    /// The nearest that exists.
    pub nearest: Option<String>,
    /// All of it in a sentence.
    pub reason: String,
}

/// Why an expression can have no result; empty when it can.
#[must_use]
pub fn mismatches(expr: &Expr, catalog: &dyn Catalog) -> Vec<Mismatch> {
    let selects = |selector: &Selector| {
        // The series of alerts are not there as long as all is well.
        metric(&selector.matchers).is_some_and(active::is_metric) || catalog.any(&selector.matchers)
    };
    expr.starved(selects).iter().map(|selector| of(&selector.matchers, catalog)).collect()
}

fn metric(matchers: &[Matcher]) -> Option<&str> {
    matchers.iter().find(|m| m.name == NAME && m.op == MatchOp::Equal).map(|m| m.value.as_str())
}

/// Why a selector that selects nothing does so.
pub(crate) fn of(matchers: &[Matcher], catalog: &dyn Catalog) -> Mismatch {
    let found = |missing, wanted: &str, nearest: Option<String>, said: String| {
        let hint = nearest.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        Mismatch {
            selector: shown(matchers),
            missing,
            wanted: wanted.to_owned(),
            nearest,
            reason: format!("{said}{hint}"),
        }
    };
    let named: Vec<Matcher> = matchers.iter().filter(|m| m.name == NAME).cloned().collect();
    if !named.is_empty() && !catalog.any(&named) {
        let name = metric(matchers).unwrap_or_else(|| named.first().map_or("", |m| m.value.as_str()));
        let known = catalog.metrics();
        let near = nearest(name, known.iter().map(String::as_str)).map(ToOwned::to_owned);
        let said = match metric(matchers) {
            Some(name) => format!("there is no metric `{name}`"),
            None => format!("no metric's name fits `{name}`"),
        };
        return found(Missing::Metric, name, near, said);
    }
    let of_metric = metric(matchers).map_or_else(|| "any metric".to_owned(), |name| format!("`{name}`"));
    // A condition that takes the empty text holds for series without the label, too.
    let demanding = || matchers.iter().filter(|m| m.name != NAME && !m.matches_value(""));
    let names = catalog.label_names(&named);
    if let Some(unknown) = demanding().find(|m| !names.contains(&m.name)) {
        let near = nearest(&unknown.name, names.iter().map(String::as_str).filter(|n| *n != NAME));
        let said = format!("no series of {of_metric} has the label `{}`", unknown.name);
        return found(Missing::Label, &unknown.name, near.map(ToOwned::to_owned), said);
    }
    for matcher in demanding() {
        let values = catalog.label_values(&named, &matcher.name);
        if !values.iter().any(|value| matcher.matches_value(value)) {
            let alternatives = matcher.value.split('|');
            let near = alternatives.filter_map(|wanted| nearest(wanted, values.iter().map(String::as_str))).next();
            let few = values.iter().take(5).map(String::as_str).collect::<Vec<_>>().join("`, `");
            let there = if near.is_none() && !few.is_empty() { format!("; there is `{few}`") } else { String::new() };
            let said = format!("no series of {of_metric} fits `{matcher}`{there}");
            return found(Missing::Value, &matcher.value, near.map(ToOwned::to_owned), said);
        }
    }
    let said = format!("each condition fits some series of {of_metric}, and no series fits all of them");
    found(Missing::Combination, "", None, said)
}

/// A selector as people write it.
fn shown(matchers: &[Matcher]) -> String {
    let rest: Vec<String> =
        matchers.iter().filter(|m| m.name != NAME || m.op != MatchOp::Equal).map(ToString::to_string).collect();
    match (metric(matchers).unwrap_or(""), rest.is_empty()) {
        (name, true) => name.to_owned(),
        (name, false) => format!("{name}{{{}}}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use watchkeeper_domain::Labels;

    use super::*;

    struct Series(Vec<Labels>);

    impl Catalog for Series {
        fn metrics(&self) -> Vec<String> {
            self.label_values(&[], NAME)
        }
        fn any(&self, matchers: &[Matcher]) -> bool {
            self.0.iter().any(|labels| matchers.iter().all(|m| m.matches(labels)))
        }
        fn label_names(&self, matchers: &[Matcher]) -> Vec<String> {
            let fit = self.0.iter().filter(|labels| matchers.iter().all(|m| m.matches(labels)));
            fit.flat_map(|labels| labels.iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>()).collect()
        }
        fn label_values(&self, matchers: &[Matcher], label: &str) -> Vec<String> {
            let fit = self.0.iter().filter(|labels| matchers.iter().all(|m| m.matches(labels)));
            fit.filter_map(|labels| labels.get(label).map(ToOwned::to_owned)).collect()
        }
    }

    fn why(expr: &str) -> Vec<String> {
        let series = |code: &str, service: &str| {
            Labels::from_pairs([(NAME, "http_requests_total"), ("code", code), ("service", service)])
        };
        let catalog = Series(vec![
            series("200", "payments"),
            series("500", "accounts"),
            Labels::from_pairs([(NAME, "up"), ("job", "bank")]),
        ]);
        mismatches(&Expr::parse(expr).unwrap(), &catalog).into_iter().map(|m| m.reason).collect()
    }

    #[test]
    fn what_is_misspelt_is_named_with_what_was_meant() {
        for (expr, reason) in [
            (
                "rate(http_request_total[5m]) > 1",
                "there is no metric `http_request_total`; did you mean `http_requests_total`?",
            ),
            (
                r#"http_requests_total{servce="payments"} > 1"#,
                "no series of `http_requests_total` has the label `servce`; did you mean `service`?",
            ),
            (
                r#"sum(rate(http_requests_total{service="payment"}[5m])) > 1"#,
                r#"no series of `http_requests_total` fits `service="payment"`; did you mean `payments`?"#,
            ),
            (
                r#"http_requests_total{code=~"5..", service="payments"} > 1"#,
                "each condition fits some series of `http_requests_total`, and no series fits all of them",
            ),
            (
                r#"http_requests_total{code=~"teapot"} > 1"#,
                r#"no series of `http_requests_total` fits `code=~"teapot"`; there is `200`, `500`"#,
            ),
            ("up > 1 and on (job) upp > 1", "there is no metric `upp`; did you mean `up`?"),
            (r#"{__name__=~"nothing.*"}"#, "no metric's name fits `nothing.*`"),
        ] {
            assert_eq!(why(expr), [reason], "{expr}");
        }
    }

    #[test]
    fn what_can_fire_without_a_metric_is_not_named() {
        for expr in [
            "up == 0",
            "absent(nothing)",
            "up == 0 or nothing > 1",
            "up unless nothing",
            "vector(1) > scalar(nothing)",
            r#"up{job!="x", team=""} == 0"#,
            r#"ALERTS{alertname="Down"}"#,
            "vector(time()) > 5",
        ] {
            assert_eq!(why(expr), [""; 0], "{expr}");
        }
        assert_eq!(why("nothing or none").len(), 2, "both are missing");
    }
}
