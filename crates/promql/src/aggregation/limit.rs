//! `limitk` and `limit_ratio`: a sample of the rows of each group that does not look at values.
//!
//! Not random: `limit_ratio` goes by a hash of the labels, so one series is in or out at all times. The hash is not
//! Prometheus's, so the same ratio may choose other series than Prometheus does.

use super::{Aggregation, ranked};
use crate::annotation::text;
use crate::engine::Evaluator;
use crate::error::EvalError;
use crate::value::Vector;

/// `limitk(k, v)`
pub(super) fn limitk(_: &mut Evaluator<'_>, aggregation: &Aggregation<'_>) -> Result<Vector, EvalError> {
    let counts = ranked::counts(aggregation)?;
    let input = aggregation.input;
    let mut out = input.emptied();
    for members in aggregation.members() {
        for (step, count) in counts.iter().enumerate() {
            let present = members.iter().filter_map(|at| input.cell(*at, step).map(|cell| (*at, cell)));
            present.take(*count).for_each(|(row, cell)| out.put(row, step, Some(cell)));
        }
    }
    out.compact();
    Ok(out)
}

/// `limit_ratio(r, v)`: a share r of the rows; a negative r gives the rows that 1 + r leaves out.
pub(super) fn limit_ratio(evaluator: &mut Evaluator<'_>, aggregation: &Aggregation<'_>) -> Result<Vector, EvalError> {
    let mut ratios = Vec::with_capacity(aggregation.grid.steps);
    for step in 0..aggregation.grid.steps {
        let ratio = aggregation.number(step);
        if ratio.is_nan() {
            return Err(EvalError::execution(aggregation.node, "Ratio value is NaN"));
        }
        let capped = ratio.clamp(-1.0, 1.0);
        if capped.to_bits() != ratio.to_bits() {
            let about = aggregation.param.unwrap_or(aggregation.node);
            evaluator.remarks.warn(text::invalid_ratio(ratio, capped), about);
        }
        ratios.push(capped);
    }
    let mut out = aggregation.input.clone();
    let places: Vec<f64> = out.rows.iter().map(|row| spread(row.labels.fingerprint().0)).collect();
    out.keep(|row, step| {
        let (place, ratio) = (places.get(row).copied().unwrap_or(0.0), ratios.get(step).copied().unwrap_or(0.0));
        if ratio >= 0.0 { place < ratio } else { place >= 1.0 + ratio }
    });
    out.compact();
    Ok(out)
}

/// A place in 0 to 1 for a hash. FNV's upper bits move little with the last bytes, so they are mixed first (splitmix64).
fn spread(hash: u64) -> f64 {
    let mut z = hash.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}
