//! What a rule's expression is about: which series it reads, what it compares with what, what else to ask when it is silent.
//!
//! Not evaluation: a plan is made once per rule, and holds the texts that `findings` puts to the query engine.

use watchkeeper_domain::labels::NAME;
use watchkeeper_domain::{MatchOp, Matcher};
use watchkeeper_promql::{ComparisonOp, Expr, Learnt, ParseError};

use crate::active;

/// Prometheus's lookback of an instant selector.
const LOOKBACK_MS: i64 = 5 * 60_000;

/// An analysed expression.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The expression as written.
    pub(crate) expr: String,
    /// The comparison that decides it, if there is one with a constant.
    pub(crate) comparison: Option<Compared>,
    /// Whether the comparison is the whole expression: then its left side alone tells everything.
    pub(crate) direct: bool,
    /// Whether it asks for missing series (`absent`): then no data is an answer.
    pub(crate) asks_for_absence: bool,
    /// Whether its value moves without new samples.
    pub(crate) time_dependent: bool,
    /// How far back it looks, in milliseconds.
    pub(crate) lookback_ms: i64,
    /// Its dynamic thresholds, with the parameters that they are learnt with.
    pub(crate) learnt: Vec<Learnt>,
    /// The series that it reads.
    pub(crate) selected: Vec<Selected>,
}

/// `lhs op threshold`
#[derive(Debug)]
pub(crate) struct Compared {
    pub(crate) lhs: String,
    pub(crate) op: ComparisonOp,
    pub(crate) threshold: f64,
}

/// One selector.
#[derive(Debug)]
pub(crate) struct Selected {
    /// All conditions, the metric's name among them.
    pub(crate) matchers: Vec<Matcher>,
    /// An expression that gives each of its series that has a sample which the rule can still see; none when `@` pins it,
    /// and for the series of alerts, which are not there as long as all is well.
    pub(crate) presence: Option<String>,
    /// The same for all series of the metric.
    pub(crate) metric_presence: Option<String>,
}

impl Plan {
    pub(crate) fn new(text: &str) -> Result<Self, ParseError> {
        let expr = Expr::parse(text)?;
        let comparison =
            expr.comparison().map(|c| Compared { lhs: c.lhs.to_string(), op: c.op, threshold: c.threshold });
        let direct = comparison.as_ref().is_some_and(|c| {
            let sign = c.op.sign();
            [format!("{} {sign} {}", c.lhs, c.threshold), format!("({}) {sign} {}", c.lhs, c.threshold)]
                .iter()
                .any(|candidate| Expr::parse(candidate).is_ok_and(|parsed| parsed == expr))
        });
        let selected = expr
            .selectors()
            .into_iter()
            .map(|selector| {
                let metric = metric_name(&selector.matchers);
                let window = Window { plain_ms: LOOKBACK_MS + selector.offset_ms, selector: &selector };
                let told = metric.as_deref().is_none_or(|name| !active::is_metric(name));
                Selected {
                    presence: window.presence(&selector.matchers).filter(|_| told),
                    metric_presence: metric
                        .as_ref()
                        .filter(|_| told)
                        .and_then(|name| window.presence(&[Matcher::equal(NAME, name.as_str())])),
                    matchers: selector.matchers.clone(),
                }
            })
            .collect();
        Ok(Self {
            expr: text.to_owned(),
            direct,
            asks_for_absence: asks_for_absence(&expr.to_string()),
            time_dependent: expr.is_time_dependent(),
            lookback_ms: expr.lookback_ms(),
            learnt: expr.learnt(),
            comparison,
            selected,
        })
    }

    /// The compared side, or the expression itself when nothing is compared.
    pub(crate) fn lhs(&self) -> &str {
        self.comparison.as_ref().map_or(&self.expr, |c| &c.lhs)
    }
}

struct Window<'a> {
    plain_ms: i64,
    selector: &'a watchkeeper_promql::Selector,
}

impl Window<'_> {
    /// An instant selector ends at a stale marker; a range holds what was before it. Presence has to see the same.
    fn presence(&self, matchers: &[Matcher]) -> Option<String> {
        let Self { plain_ms, selector } = *self;
        if selector.pinned {
            return None;
        }
        let series = matchers.iter().map(matcher_text).collect::<Vec<_>>().join(", ");
        let offset = match selector.offset_ms {
            0 => String::new(),
            ms if ms < 0 => format!(" offset -{}ms", -ms),
            ms => format!(" offset {ms}ms"),
        };
        if selector.range_ms == 0 && selector.lookback_ms == plain_ms.max(0) {
            return Some(format!("{{{series}}}{offset}"));
        }
        let range = (selector.lookback_ms - selector.offset_ms).max(1);
        Some(format!("last_over_time({{{series}}}[{range}ms]{offset})"))
    }
}

fn metric_name(matchers: &[Matcher]) -> Option<String> {
    matchers.iter().find(|m| m.name == NAME && m.op == MatchOp::Equal).map(|m| m.value.clone())
}

/// Whether a label name can stand in an expression without quotes.
pub(crate) fn is_plain_name(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn matcher_text(matcher: &Matcher) -> String {
    let text = matcher.to_string();
    match text.strip_prefix(&matcher.name) {
        Some(condition) if !is_plain_name(&matcher.name) => format!("{:?}{condition}", matcher.name),
        _ => text,
    }
}

/// Looks for the functions' names outside of quotes in canonical text.
fn asks_for_absence(canonical: &str) -> bool {
    let mut outside = String::with_capacity(canonical.len());
    let (mut quote, mut escaped) = (None, false);
    for c in canonical.chars() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'' | '`') => quote = Some(c),
            None => outside.push(c),
        }
    }
    outside.contains("absent(") || outside.contains("absent_over_time(")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_comparison_is_answered_by_its_left_side_alone() {
        for text in
            ["probe_success == 0", "sum(rate(e[10m])) / sum(rate(a[10m])) > 0.05", "sum by (x) (increase(f[5m])) >= 5"]
        {
            let plan = Plan::new(text).unwrap();
            assert!(plan.direct, "{text}");
        }
        for text in ["a > bool 1", "a > 1 and b > 0", "a > b", "absent(a)", "1 < a"] {
            let plan = Plan::new(text).unwrap();
            assert!(!plan.direct, "{text}");
        }
    }

    #[test]
    fn presence_sees_what_the_selector_sees() {
        let plan = Plan::new(r#"increase(f{job="a\"b"}[5m] offset 1m) > up"#).unwrap();
        assert_eq!(plan.selected[1].presence.as_deref(), Some(r#"{__name__="up"}"#));
        let ranged = plan.selected[0].presence.as_deref().unwrap();
        assert!(ranged.starts_with("last_over_time({") && ranged.ends_with("[300000ms] offset 60000ms)"), "{ranged}");
        assert!(ranged.contains(r#"job="a\"b""#), "{ranged}");
        for selected in &plan.selected {
            Expr::parse(selected.presence.as_deref().unwrap()).unwrap();
            Expr::parse(selected.metric_presence.as_deref().unwrap()).unwrap();
        }
    }

    #[test]
    fn absence_is_a_function_and_not_a_word_in_quotes() {
        assert!(Plan::new("absent(up)").unwrap().asks_for_absence);
        assert!(!Plan::new(r#"up{job="absent(x)"}"#).unwrap().asks_for_absence);
    }
}
