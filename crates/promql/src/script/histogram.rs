//! Native histograms as scripts and unit tests write them: `schema:0 sum:5 count:4 buckets:[1 2 1]`.
//!
//! Not how answers show them.

use watchkeeper_domain::histogram::{BucketCount, CounterReset, Histogram};

use super::points::number;

/// The most buckets that one histogram may have.
const MAX_BUCKETS: usize = 10_000;

/// Reads what stands between the braces; the flag tells that it says something about counter resets.
pub(super) fn read(text: &str) -> Result<(Histogram, bool), String> {
    let mut out = Histogram::default();
    let (mut offset, mut negative_offset, mut told) = (0, 0, false);
    let (mut positive, mut negative) = (Vec::new(), Vec::new());
    let mut seen: Vec<&str> = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, after) = rest.split_once(':').ok_or_else(|| format!("no `name:value` at {rest:?}"))?;
        let name = name.trim();
        if seen.contains(&name) {
            return Err(format!("`{name}` of a histogram is given twice"));
        }
        seen.push(name);
        let end = if after.starts_with('[') {
            after.find(']').ok_or("a list of a histogram does not end")? + 1
        } else {
            after.find(char::is_whitespace).unwrap_or(after.len())
        };
        let (value, after) = after.split_at(end);
        rest = after.trim_start();
        let wrong = || format!("`{value}` is no value for `{name}` of a histogram");
        let float = || number(value).ok_or_else(wrong);
        match name {
            "schema" => out.schema = value.parse().map_err(|_| wrong())?,
            "sum" => out.sum = float()?,
            "count" => out.count = float()?,
            "z_bucket" => out.zero_count = float()?,
            "z_bucket_w" => out.zero_threshold = float()?,
            "offset" => offset = value.parse().map_err(|_| wrong())?,
            "n_offset" => negative_offset = value.parse().map_err(|_| wrong())?,
            "buckets" => positive = list(value).ok_or_else(wrong)?,
            "n_buckets" => negative = list(value).ok_or_else(wrong)?,
            "custom_values" => out.bounds = list(value).ok_or_else(wrong)?.into(),
            "counter_reset_hint" => {
                told = true;
                out.reset = match value {
                    "unknown" => CounterReset::Unknown,
                    "reset" => CounterReset::Reset,
                    "not_reset" => CounterReset::NotReset,
                    "gauge" => CounterReset::Gauge,
                    _ => return Err(wrong()),
                };
            }
            other => return Err(format!("a histogram has no `{other}`")),
        }
    }
    out.positive = counts(offset, &positive);
    out.negative = counts(negative_offset, &negative);
    Ok((out.compact(), told))
}

/// `[1 2 3]`
fn list(text: &str) -> Option<Vec<f64>> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    let numbers = inner.split_whitespace().map(number).collect::<Option<Vec<_>>>()?;
    (numbers.len() <= MAX_BUCKETS).then_some(numbers)
}

fn counts(offset: i32, counts: &[f64]) -> Vec<BucketCount> {
    (offset..).zip(counts).map(|(index, count)| BucketCount { index, count: *count }).collect()
}
