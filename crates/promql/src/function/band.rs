//! `wk_band_upper`, `wk_band_lower`, `wk_band_middle`, `wk_band_breaches`: a dynamic threshold learnt from history.
//!
//! Not the learning: see `crate::band`. Not Prometheus's either: the names begin with `wk_`.
//!
//! A series with too little history has no value. Where that is so of every series at a moment, a rule must not read the silence
//! as "all is well": where [`Settings::unknown_history`](crate::Settings) says so, the evaluation fails with the reason.

use watchkeeper_domain::query::QueryError;

use super::call::Call;
use crate::ast::{Node, NodeKind};
use crate::band::{Band, Learner, Sensitivity, TooLittleHistory};
use crate::error::EvalError;
use crate::limits::UnknownHistory;
use crate::value::{Cell, Value};
use crate::window::RowWindows;

/// Which values outside of the band count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Above,
    Below,
    Both,
}

impl Side {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "above" => Some(Self::Above),
            "below" => Some(Self::Below),
            "both" => Some(Self::Both),
            _ => None,
        }
    }

    fn breached(self, band: &Band, v: f64) -> bool {
        (self != Self::Below && v > band.upper) || (self != Self::Above && v < band.lower)
    }
}

/// The most values that `wk_band_breaches` looks at.
const MOST_LOOKED_AT: f64 = 1_000.0;

/// Checks the words among the arguments, so that a wrong one is known before the first evaluation.
pub(super) fn check(name: &str, args: &[Node]) -> Result<(), (Option<usize>, String)> {
    if !name.starts_with("wk_band_") {
        return Ok(());
    }
    let word = |at: usize| match args.get(at).map(|arg| &arg.bare().kind) {
        Some(NodeKind::Text(text)) => Some(text.as_str()),
        _ => None,
    };
    if let Some(given) = word(1).filter(|word| Sensitivity::parse(word).is_none()) {
        return Err((
            Some(1),
            format!("the sensitivity of {name}() is \"low\", \"medium\" or \"high\", not {given:?}"),
        ));
    }
    if let Some(given) = word(3).filter(|word| Side::parse(word).is_none()) {
        return Err((Some(3), format!("the side of {name}() is \"above\", \"below\" or \"both\", not {given:?}")));
    }
    Ok(())
}

/// `wk_band_upper(v[d], "medium")`: above which a value is out of the ordinary.
pub(super) fn upper(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    edge(call, |band| band.upper)
}

/// `wk_band_lower(v[d], "medium")`: below which a value is out of the ordinary.
pub(super) fn lower(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    edge(call, |band| band.lower)
}

/// `wk_band_middle(v[d], "medium")`: what is expected.
pub(super) fn middle(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    edge(call, |band| band.middle)
}

fn edge(call: &mut Call<'_, '_>, edge: fn(&Band) -> f64) -> Result<Value, EvalError> {
    let sensitivity = sensitivity(call)?;
    banded(call, |windows| {
        let mut learner = Learner::new(windows.samples, windows.range_ms, sensitivity);
        windows.ends.iter().map(|end| windows.present(*end).then(|| learner.at(*end).map(|band| edge(&band)))).collect()
    })
}

/// `wk_band_breaches(v[d], "medium", m, "above")`: how many of the last `m` values are out of the ordinary, each measured
/// by the band of its own moment. N of M is `wk_band_breaches(v[d], "medium", 5) >= 4`.
pub(super) fn breaches(call: &mut Call<'_, '_>) -> Result<Value, EvalError> {
    let sensitivity = sensitivity(call)?;
    let last = call.scalar(2)?;
    let side = match call.args.len() {
        4 => Side::parse(&call.text(3)?).ok_or_else(|| call.error("the side is \"above\", \"below\" or \"both\""))?,
        _ => Side::Both,
    };
    if let Some(wrong) = last.iter().find(|m| !(1.0..=MOST_LOOKED_AT).contains(*m)) {
        return Err(call.error(format!("the number of values to look at is 1 to {MOST_LOOKED_AT}, not {wrong}")));
    }
    banded(call, |windows| {
        let mut learner = Learner::new(windows.samples, windows.range_ms, sensitivity);
        let one = |(step, end): (usize, &i64)| {
            let samples = windows.until(*end);
            let looked_at = last.get(step).map_or(1, |m| *m as usize);
            let newest = samples.get(samples.len().saturating_sub(looked_at)..).unwrap_or(&[]);
            if !windows.present(*end) || newest.is_empty() {
                return None;
            }
            let mut count = 0.0;
            for sample in newest {
                match learner.at(sample.t) {
                    Ok(band) => count += f64::from(side.breached(&band, sample.v)),
                    Err(why) => return Some(Err(why)),
                }
            }
            Some(Ok(count))
        };
        windows.ends.iter().enumerate().map(one).collect()
    })
}

fn sensitivity(call: &mut Call<'_, '_>) -> Result<Sensitivity, EvalError> {
    let word = call.text(1)?;
    Sensitivity::parse(&word).ok_or_else(|| call.error("the sensitivity is \"low\", \"medium\" or \"high\""))
}

type Learnt = Option<Result<f64, TooLittleHistory>>;

/// Applies a function to each series, and sees to the moments at which no series has enough history.
fn banded(call: &mut Call<'_, '_>, f: impl Fn(&RowWindows<'_>) -> Vec<Learnt>) -> Result<Value, EvalError> {
    let grid = call.grid;
    let mut known = vec![false; grid.steps];
    let mut lacking: Vec<Option<TooLittleHistory>> = vec![None; grid.steps];
    let windows = call.windows(0)?;
    let vector = windows.map_rows(call.evaluator, |windows| {
        let cells = f(windows).into_iter().enumerate().map(|(step, learnt)| match learnt? {
            Ok(value) => {
                if let Some(known) = known.get_mut(step) {
                    *known = true;
                }
                Some(Cell::Float(value))
            }
            Err(why) => {
                let most = lacking.get_mut(step)?;
                if most.is_none_or(|most| most.history < why.history) {
                    *most = Some(why);
                }
                None
            }
        });
        cells.collect()
    })?;
    if call.evaluator.unknown_history() == UnknownHistory::Fails {
        let blind =
            |step: usize| lacking.get(step).copied().flatten().filter(|_| !known.get(step).copied().unwrap_or(false));
        if let Some((from, why)) = (0..grid.steps).find_map(|step| Some((step, blind(step)?))) {
            let until = (from..grid.steps).find(|step| blind(*step).is_none());
            let source = QueryError::TooLittleHistory {
                reason: why.to_string(),
                from_ms: grid.at(from),
                until_ms: until.map(|step| grid.at(step)),
            };
            return Err(EvalError::Source { expr: call.node.to_string(), source });
        }
    }
    if let Some(why) = lacking.iter().flatten().next() {
        call.evaluator.remarks.warn(why.to_string(), call.node);
    }
    call.unnamed(vector)
}
