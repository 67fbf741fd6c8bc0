//! The benchmark's files: values with their times, and the windows in which something was wrong.
//!
//! Not a CSV reader for anything else.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use watchkeeper_domain::Timestamp;
use watchkeeper_domain::telemetry::Sample;

/// One file.
pub(crate) struct Series {
    /// `folder/file.csv`
    pub(crate) name: String,
    pub(crate) samples: Vec<Sample>,
    /// First and last index of each window.
    pub(crate) windows: Vec<(usize, usize)>,
}

/// Reads the files that `windows.json` names and that are there.
pub(crate) fn load(folder: &Path) -> Result<Vec<Series>, Box<dyn Error>> {
    let windows: BTreeMap<String, Vec<(String, String)>> =
        serde_json::from_str(&std::fs::read_to_string(folder.join("windows.json"))?)?;
    let mut all = Vec::new();
    for (name, windows) in windows {
        let Ok(text) = std::fs::read_to_string(folder.join(&name)) else { continue };
        let samples = text.lines().skip(1).map(sample).collect::<Result<Vec<_>, _>>()?;
        let at = |text: &str| -> Result<usize, Box<dyn Error>> {
            let t = moment(text)?;
            samples.iter().position(|s| s.t == t).ok_or_else(|| format!("{name} has no value at {text}").into())
        };
        let windows = windows.iter().map(|(a, b)| Ok((at(a)?, at(b)?))).collect::<Result<Vec<_>, Box<dyn Error>>>()?;
        all.push(Series { name, samples, windows });
    }
    Ok(all)
}

fn sample(line: &str) -> Result<Sample, Box<dyn Error>> {
    let (t, v) = line.split_once(',').ok_or("a line without a comma")?;
    Ok(Sample { t: moment(t)?, v: v.trim().parse()? })
}

/// `2015-08-31 18:22:00`, with or without a fraction.
fn moment(text: &str) -> Result<i64, Box<dyn Error>> {
    Ok(format!("{}Z", text.trim()).parse::<Timestamp>()?.as_millis())
}
