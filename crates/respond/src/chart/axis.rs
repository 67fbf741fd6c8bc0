//! Where the ticks are and what stands beside them.
//!
//! Not the drawing.

use watchkeeper_domain::{Span, Timestamp};

use crate::notify::content::number;

/// The value axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ticks {
    /// The lowest value shown.
    pub(super) low: f64,
    /// The highest.
    pub(super) high: f64,
    /// Values with their labels.
    pub(super) marks: Vec<(f64, String)>,
}

/// Four to six round values around `low..=high`.
pub(super) fn value_ticks(low: f64, high: f64) -> Ticks {
    // A line without ups and downs lies in the middle.
    let flat = if high > low { 0.0 } else { high.abs().max(1.0) / 2.0 };
    let (low, high) = (low - flat, high + flat);
    let span = high - low;
    let rough = span / 4.0;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|m| m * power).find(|step| *step >= rough).unwrap_or(rough);
    let bottom = (low / step).floor() * step;
    // Some air above the highest point, so that no line touches the frame.
    let top = ((high + span * 0.04) / step).ceil() * step;
    let count = ((top - bottom) / step).round().clamp(1.0, 20.0);
    let mut marks = Vec::new();
    let mut at = 0.0;
    while at <= count {
        let value = bottom + at * step;
        // A sum of steps that should be zero is not always.
        let value = if value.abs() < step * 1e-9 { 0.0 } else { value };
        marks.push((value, label(value)));
        at += 1.0;
    }
    Ticks { low: bottom, high: bottom + count * step, marks }
}

/// `1.5k`, `20M`: large values are short, so that they fit beside the axis.
fn label(value: f64) -> String {
    for (unit, size) in [("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e4)] {
        if value.abs() >= size {
            let divisor = if unit == "k" { 1e3 } else { size };
            return format!("{}{unit}", number(value / divisor));
        }
    }
    number(value)
}

/// Round moments between the two, at most eight, as `14:05`, `14:05:30`, or `11-22 14:00` over days.
pub(super) fn time_ticks(from: Timestamp, to: Timestamp) -> Vec<(Timestamp, String)> {
    const STEPS: [i64; 17] =
        [1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400, 604_800];
    let seconds = to.since(from).as_millis() / 1_000;
    let step = STEPS.into_iter().find(|step| seconds / step <= 8).unwrap_or(seconds.max(8) / 8);
    let first = (from.as_millis() + 999).div_euclid(1_000);
    let mut at = (first + step - 1).div_euclid(step) * step;
    let mut ticks = Vec::new();
    while at <= to.as_millis().div_euclid(1_000) && ticks.len() < 9 {
        let moment = Timestamp::from_secs(at);
        let text = moment.to_string();
        let label = match step {
            _ if to.since(from) > Span::from_secs(36 * 3_600) => text.get(5..16).map(|t| t.replace('T', " ")),
            0..60 => text.get(11..19).map(str::to_owned),
            _ => text.get(11..16).map(str::to_owned),
        };
        ticks.push((moment, label.unwrap_or_default()));
        at += step;
    }
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_cover_the_values() {
        let ticks = value_ticks(0.0, 7.3);
        let labels: Vec<&str> = ticks.marks.iter().map(|(_, label)| label.as_str()).collect();
        assert_eq!(labels, ["0", "2", "4", "6", "8"]);
        let ticks = value_ticks(5.0, 5.0);
        assert!(ticks.low <= 5.0 && ticks.high > 5.0 && ticks.marks.len() >= 3);
        assert_eq!(label(1_500_000.0), "1.5M");
        assert_eq!(label(25_000.0), "25k");
    }

    #[test]
    fn moments_are_round_and_not_crowded() {
        let from: Timestamp = "2026-11-22T14:02:13Z".parse().expect("valid");
        let labels: Vec<String> = time_ticks(from, from + Span::from_secs(1_800)).into_iter().map(|(_, l)| l).collect();
        assert_eq!(labels, ["14:05", "14:10", "14:15", "14:20", "14:25", "14:30"]);
        assert!(time_ticks(from, from + Span::from_secs(10 * 86_400)).len() <= 9);
        assert!(time_ticks(from, from).len() <= 1);
    }
}
