//! `wk_anomaly_score`: how unusual the newest value of a window is, by the values before it.
//!
//! Not the detector: see `crate::anomaly`.

use crate::anomaly::Detector;
use crate::window::Window;

/// `wk_anomaly_score(v[d])`: 0 for what was expected, 1 for a deviation as one value in a hundred has it. No value
/// where there is too little history.
pub(super) fn score(window: &Window<'_>) -> Option<f64> {
    Detector::score_of(window.samples)
}
