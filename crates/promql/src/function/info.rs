//! `info`: labels of info series, such as `target_info`, put onto the series of the same target.
//!
//! Not a general join: series belong together by `instance` and `job`, as in Prometheus, where this is experimental.

use std::collections::{BTreeMap, HashMap, HashSet};

use watchkeeper_domain::labels::{Labels, NAME};
use watchkeeper_domain::matcher::{MatchOp, Matcher};
use watchkeeper_domain::query::SeriesPoints;
use watchkeeper_domain::telemetry::is_stale;

use super::call::Call;
use crate::ast::{Ends, Node, NodeKind, SeriesSelector, Timing};
use crate::error::EvalError;
use crate::selector::advance;
use crate::value::{Row, Value, Vector};

/// The labels that name a target.
const IDENTIFYING: [&str; 2] = ["instance", "job"];
/// The info metric, unless a matcher says another.
const TARGET_INFO: &str = "target_info";
/// More values of an identifying label than this are not asked for one by one.
const MAX_ALTERNATIVES: usize = 200;

/// `info(v, {label selector})`
pub(super) fn info(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    let base = call.vector(0)?;
    let wanted = Wanted::read(call)?;
    let moments: Vec<i64> = call.grid.times().map(|t| reference(call, t)).collect();
    let rows: Vec<&Row> = base.rows.iter().filter(|row| !wanted.is_info(row.metric())).collect();
    let found = fetch(call, &wanted, &rows, &moments)?;
    let newest = Newest::among(call, found, &moments)?;
    let mut out = Vector::new(base.steps);
    for (at, row) in base.rows.iter().enumerate() {
        if wanted.is_info(row.metric()) {
            out.push_cells(row.clone(), (0..base.steps).map(|step| base.cell(at, step)));
            continue;
        }
        // The info series of one target seldom change, so labels are put together once for each choice.
        let mut made: HashMap<&[usize], Option<usize>> = HashMap::new();
        let choices = newest.of(&row.labels);
        for step in 0..base.steps {
            let Some(cell) = base.cell(at, step) else { continue };
            let choice = choices.and_then(|choices| choices.get(step)).map_or(&[][..], Vec::as_slice);
            let target = match made.get(choice) {
                Some(target) => *target,
                None => {
                    let labels = wanted.enriched(call, &row.labels, choice.iter().filter_map(|i| newest.labels(*i)))?;
                    let row = labels.map(|labels| out.push_empty(Row { labels, drop_name: row.drop_name }));
                    call.evaluator.check_points(call.node, out.points())?;
                    made.insert(choice, row);
                    row
                }
            };
            if let Some(target) = target {
                out.put(target, step, Some(cell));
            }
        }
    }
    out.compact();
    call.evaluator.merged(call.node, out).map(Value::Vector)
}

/// What the second argument asks for.
struct Wanted {
    /// Conditions on the names of info metrics.
    names: Vec<Matcher>,
    /// Conditions on their labels. Where there are any, only these labels are added.
    labels: Vec<Matcher>,
}

impl Wanted {
    fn read(call: &Call<'_, '_>) -> Result<Self, EvalError> {
        let mut wanted = Self { names: Vec::new(), labels: Vec::new() };
        if let Some(arg) = call.args.get(1) {
            let NodeKind::Selector(selector) = &arg.bare().kind else {
                return Err(call.error("expected label selectors"));
            };
            let (names, labels) = selector.matchers.iter().cloned().partition(|m| m.name == NAME);
            (wanted.names, wanted.labels) = (names, labels);
        }
        if wanted.names.is_empty() {
            wanted.names.push(Matcher::equal(NAME, TARGET_INFO));
        } else if wanted.names.iter().all(|m| matches!(m.op, MatchOp::NotEqual | MatchOp::NotMatch)) {
            // What is not excluded would be everything, so only what is named as an info metric counts.
            let named = Matcher::new(NAME.to_owned(), MatchOp::Match, ".+_info".to_owned());
            wanted.names.push(named.map_err(|error| call.error(error.to_string()))?);
        }
        Ok(wanted)
    }

    /// Whether a metric is an info metric itself. Such series are not enriched.
    fn is_info(&self, metric: &str) -> bool {
        self.names.iter().all(|m| m.matches_value(metric))
    }

    /// The labels of a series together with those of its info series; nothing where a condition is not met.
    fn enriched<'l>(
        &self,
        call: &Call<'_, '_>,
        base: &Labels,
        infos: impl Iterator<Item = &'l Labels>,
    ) -> Result<Option<Labels>, EvalError> {
        let mut added: BTreeMap<&str, &str> = BTreeMap::new();
        let mut matched = false;
        for (name, value) in infos.inspect(|_| matched = true).flat_map(Labels::iter) {
            if name == NAME || (!self.labels.is_empty() && self.labels.iter().all(|m| m.name != name)) {
                continue;
            }
            if added.get(name).is_some_and(|known| *known != value) {
                return Err(call.error(format!("conflicting label: {name}")));
            }
            if base.get(name).is_none() {
                added.insert(name, value);
            }
        }
        if !matched && self.labels.iter().any(|m| !m.matches_value("")) {
            return Ok(None);
        }
        if added.is_empty() {
            return Ok(Some(base.clone()));
        }
        Ok(Some(base.iter().chain(added).collect()))
    }
}

/// When the samples of the first selector are looked at for a step: then its info series are, too.
fn reference(call: &Call<'_, '_>, t_ms: i64) -> i64 {
    let mut at = None;
    let Some(arg) = call.args.first() else { return t_ms };
    arg.visit(&mut Vec::new(), &mut |path, node| {
        let own = match &node.kind {
            NodeKind::Selector(selector) | NodeKind::Matrix { selector, .. } if at.is_none() => &selector.timing,
            _ => return,
        };
        let around = path.iter().filter_map(|node| match &node.kind {
            NodeKind::Subquery { timing, .. } => Some(timing),
            _ => None,
        });
        at = Some(around.chain([own]).fold(t_ms, |t, timing| call.evaluator.reference(timing, t)));
    });
    at.unwrap_or(t_ms)
}

/// A target, by the values of its identifying labels.
fn target(labels: &Labels) -> [&str; 2] {
    IDENTIFYING.map(|name| labels.get(name).unwrap_or(""))
}

/// The info series of the targets of some rows.
fn fetch(
    call: &mut Call<'_, '_>,
    wanted: &Wanted,
    rows: &[&Row],
    moments: &[i64],
) -> Result<Vec<SeriesPoints>, EvalError> {
    let (Some(first), Some(last)) = (moments.iter().min(), moments.iter().max()) else { return Ok(Vec::new()) };
    let mut matchers: Vec<Matcher> = wanted.names.iter().chain(&wanted.labels).cloned().collect();
    let mut named = false;
    for name in IDENTIFYING {
        let values: HashSet<&str> = rows.iter().filter_map(|row| row.labels.get(name)).collect();
        named |= !values.is_empty();
        if (1..=MAX_ALTERNATIVES).contains(&values.len()) {
            let mut escaped: Vec<String> = values.into_iter().map(regex::escape).collect();
            escaped.sort_unstable();
            let any_of = Matcher::new(name.to_owned(), MatchOp::Match, escaped.join("|"));
            matchers.push(any_of.map_err(|error| call.error(error.to_string()))?);
        }
    }
    if !named {
        return Ok(Vec::new());
    }
    let selector = SeriesSelector { matchers, named: false, timing: Timing::default(), ends: Ends::Inside };
    let from = first.saturating_sub(call.evaluator.lookback_ms()).saturating_add(1);
    let node: &Node = call.node;
    call.evaluator.select(node, &selector, from, *last)
}

/// Which info series are the newest at each step.
struct Newest {
    series: Vec<SeriesPoints>,
    /// For each target and step the series to take, one a metric name.
    choices: HashMap<[String; 2], Vec<Vec<usize>>>,
}

impl Newest {
    fn among(call: &Call<'_, '_>, series: Vec<SeriesPoints>, moments: &[i64]) -> Result<Self, EvalError> {
        let lookback = call.evaluator.lookback_ms();
        let mut choices: HashMap<[String; 2], Vec<Vec<usize>>> = HashMap::new();
        for (step, at) in moments.iter().enumerate() {
            let mut newest: BTreeMap<([&str; 2], &str), (i64, usize)> = BTreeMap::new();
            for (index, one) in series.iter().enumerate() {
                let sample = advance(&one.samples, 0, *at).checked_sub(1).and_then(|i| one.samples.get(i));
                let fresh = sample.filter(|s| s.t > at.saturating_sub(lookback) && !is_stale(s.v));
                let Some(sample) = fresh else { continue };
                let key = (target(&one.labels), one.labels.name().unwrap_or(""));
                match newest.get(&key) {
                    Some((t, known)) if *t == sample.t => {
                        let known = series.get(*known).map(|s| &s.labels).cloned().unwrap_or_default();
                        let reason = format!(
                            "found duplicate series for info metric: existing {known} @ {t}, new {} @ {t}",
                            one.labels
                        );
                        return Err(call.error(reason));
                    }
                    Some((t, _)) if *t > sample.t => {}
                    _ => {
                        newest.insert(key, (sample.t, index));
                    }
                }
            }
            for ((target, _), (_, index)) in newest {
                let steps = choices.entry(target.map(str::to_owned)).or_insert_with(|| vec![Vec::new(); moments.len()]);
                if let Some(chosen) = steps.get_mut(step) {
                    chosen.push(index);
                }
            }
        }
        Ok(Self { series, choices })
    }

    fn of(&self, labels: &Labels) -> Option<&Vec<Vec<usize>>> {
        self.choices.get(&target(labels).map(str::to_owned))
    }

    fn labels(&self, index: usize) -> Option<&Labels> {
        self.series.get(index).map(|s| &s.labels)
    }
}
