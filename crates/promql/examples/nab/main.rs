//! Scores the anomaly detector (`wk_anomaly_score`) on the series of the Numenta Anomaly Benchmark, standard profile.
//!
//! Not a tuning run: one pass over each file, one threshold for all of them, chosen as NAB chooses it. The corpus is read from
//! `$WATCHKEEPER_CORPORA` or `../shared/corpora`; without it there is nothing to score, and that is said.
//!
//! The detector sees a value only when its turn comes. A detection is the onset of something: a score that is higher, by 2 %,
//! than every detection of the day before it.
#![allow(clippy::print_stdout, clippy::panic, clippy::expect_used, reason = "a program for a bench")]

mod score;
mod series;

use std::collections::BTreeMap;
use std::path::PathBuf;

use score::{Profile, Scored, Tally};
use series::Series;
use watchkeeper_domain::telemetry::Sample;
use watchkeeper_promql::anomaly::{Detector, VERSION};

const DAY_MS: i64 = 86_400_000;
/// How much higher than a detection another one must be to count within a day of it.
const HIGHER: f64 = 1.02;

fn main() {
    let corpora =
        std::env::var_os("WATCHKEEPER_CORPORA").map_or_else(|| PathBuf::from("../shared/corpora"), PathBuf::from);
    let folder = corpora.join("detect/nab");
    if !folder.join("windows.json").exists() {
        println!("skipped: the series of NAB are not at {}", folder.display());
        return;
    }
    let all = series::load(&folder).expect("the corpus can be read");
    let scored: Vec<Scored> = all.iter().map(|s| Scored::of(s, &detections(s), &Profile::STANDARD)).collect();
    let threshold = score::best_threshold(&scored);
    let mut groups: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut total = Tally::default();
    println!("{:<62} {:>8} {:>8} {:>8}", "series", "raw", "windows", "score");
    for (series, scored) in all.iter().zip(&scored) {
        let tally = scored.at(threshold);
        println!("{:<62} {:>8.2} {:>8} {:>8}", series.name, tally.raw, tally.windows, shown(&tally));
        let group = series.name.split('/').next().unwrap_or("");
        groups.entry(group).or_default().add(tally);
        total.add(tally);
    }
    println!();
    for (group, tally) in &groups {
        println!("{group:<62} {:>8.2} {:>8} {:>8}", tally.raw, tally.windows, shown(tally));
    }
    let files = all.len();
    println!(
        "\nNAB, standard profile, {files} of its 58 files: {} (threshold {threshold:.4}, detector version {VERSION})",
        shown(&total)
    );
}

fn shown(tally: &Tally) -> String {
    tally.normalised().map_or_else(|| "-".to_owned(), |score| format!("{score:.1}"))
}

/// A score from 0 to 1 for each value; 0 where nothing begins.
fn detections(series: &Series) -> Vec<f64> {
    let mut detector = Detector::default();
    let mut onsets: Vec<(i64, f64)> = Vec::new();
    let one = |sample: &Sample| {
        detector.push(*sample);
        let score = detector.score().map_or(0.0, |score| 1.0 - (-score / 4.0).exp());
        onsets.retain(|(t, _)| sample.t - t <= DAY_MS);
        let highest = onsets.iter().map(|(_, score)| *score).fold(0.0, f64::max);
        if score <= highest * HIGHER {
            return 0.0;
        }
        onsets.push((sample.t, score));
        score
    };
    series.samples.iter().map(one).collect()
}
