//! From an answer to a batch: the target's labels, relabelling, limits, stale markers, and what is said of the scrape.
//!
//! Not the asking. A pure function of the answer, the target and what the scrape before brought.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use watchkeeper_config::model::scrape::ScrapeJob;
use watchkeeper_domain::labels::NAME;
use watchkeeper_domain::telemetry::{Batch, Exemplar, MetricMeta, STALE_NAN_BITS, Sample, SeriesSamples};
use watchkeeper_domain::{Labels, Timestamp};
use watchkeeper_ingest::Limits;
use watchkeeper_ingest::exposition::{Exposed, Exposition};

use crate::relabel::{self, Working};
use crate::target::Target;

/// The most bytes of an answer when the job names no limit.
pub(crate) const MOST_BYTES: usize = 64 << 20;

/// What a scrape leaves for the next one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    /// The series that it brought, without those that have times of their own.
    pub(crate) series: HashSet<Labels>,
    /// What was said about metrics, so that it is kept once and not each time.
    pub(crate) meta: HashMap<Arc<str>, MetricMeta>,
}

/// What a scrape brought.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) batch: Batch,
    pub(crate) memory: Memory,
    /// Samples that the target exposed.
    pub(crate) scraped: usize,
    /// Those left after relabelling.
    pub(crate) kept: usize,
    /// Series that the scrape before did not have.
    pub(crate) added: usize,
}

/// What an exposition brings, or why it is refused as a whole.
pub(crate) fn take(
    exposition: Exposition,
    job: &ScrapeJob,
    target: &Target,
    before: &Memory,
    at: Timestamp,
) -> Result<Taken, String> {
    let mut taken = Taken { scraped: exposition.samples.len(), ..Taken::default() };
    let mut present: HashSet<Labels> = HashSet::with_capacity(taken.scraped);
    let now = at.as_millis();
    for exposed in exposition.samples {
        let Some(labels) = labels(&exposed, job, target) else { continue };
        check(&labels, job)?;
        taken.kept += 1;
        if let Some(most) = job.limits.samples.filter(|most| taken.kept > *most as usize) {
            return Err(format!("it has more than {most} samples (`sample_limit`)"));
        }
        let own_time = exposed.t.filter(|_| job.honor_timestamps);
        let t = own_time.unwrap_or(now);
        if !present.insert(labels.clone()) && own_time.is_none() {
            // The first of two at one moment is taken, as by Prometheus; a store could not keep both.
            continue;
        }
        if own_time.is_none() || job.track_timestamps_staleness {
            taken.added += usize::from(!before.series.contains(&labels));
            taken.memory.series.insert(labels.clone());
        }
        if let Some(exemplar) = exposed.exemplar {
            taken.batch.exemplars.push(self::exemplar(exemplar, &labels, t));
        }
        taken.batch.series.push(series(labels, t, exposed.value));
    }
    let gone = before.series.iter().filter(|labels| !present.contains(*labels));
    taken.batch.series.extend(gone.map(|labels| stale(labels.clone(), now)));
    taken.memory.meta = exposition.meta.into_iter().map(|meta| (Arc::clone(&meta.name), meta)).collect();
    let news = taken.memory.meta.values().filter(|meta| before.meta.get(&meta.name) != Some(*meta));
    taken.batch.meta = news.cloned().collect();
    Ok(taken)
}

/// The end of all that a scrape had brought.
pub(crate) fn ended(before: &Memory, at: Timestamp) -> Batch {
    let series = before.series.iter().map(|labels| stale(labels.clone(), at.as_millis())).collect();
    Batch { series, ..Batch::default() }
}

/// The names of what is said of each scrape.
const REPORT: [&str; 5] = [
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
];

/// `up` and its companions.
pub(crate) fn report(target: &Target, at: Timestamp, values: [f64; 5]) -> impl Iterator<Item = SeriesSamples> + '_ {
    REPORT
        .into_iter()
        .zip(values)
        .map(move |(name, value)| series(target.labels.with(NAME, name), at.as_millis(), value))
}

/// The end of the same, for a target that is gone.
pub(crate) fn report_ended(target: &Target, at: Timestamp) -> impl Iterator<Item = SeriesSamples> + '_ {
    REPORT.into_iter().map(move |name| stale(target.labels.with(NAME, name), at.as_millis()))
}

fn series(labels: Labels, t: i64, v: f64) -> SeriesSamples {
    SeriesSamples { labels, samples: vec![Sample { t, v }], start: None }
}

fn stale(labels: Labels, t: i64) -> SeriesSamples {
    series(labels, t, f64::from_bits(STALE_NAN_BITS))
}

/// The labels of a sample: its own and the target's, relabelled; none when a step drops it.
fn labels(exposed: &Exposed, job: &ScrapeJob, target: &Target) -> Option<Labels> {
    let mut working: Working = exposed.labels.iter().filter(|(_, value)| !value.is_empty()).cloned().collect();
    for (name, value) in target.labels.pairs() {
        match working.get(name) {
            None => {
                working.insert(Arc::clone(name), Arc::clone(value));
            }
            Some(_) if job.honor_labels => {}
            Some(own) => {
                let own = Arc::clone(own);
                let mut moved = format!("exported_{name}");
                while working.contains_key(moved.as_str()) || target.labels.get(&moved).is_some() {
                    moved.insert_str(0, "exported_");
                }
                working.insert(Arc::from(moved), own);
                working.insert(Arc::clone(name), Arc::clone(value));
            }
        }
    }
    if !relabel::apply(&mut working, &job.metric_relabel) {
        return None;
    }
    // What begins with two underscores is for relabelling alone, except the name; without one there is no series.
    working.retain(|name, _| !name.starts_with("__") || &**name == NAME);
    working.contains_key(NAME).then(|| Labels::from_pairs(working))
}

fn check(labels: &Labels, job: &ScrapeJob) -> Result<(), String> {
    let own = Limits::default();
    let shown: String = labels.name().unwrap_or_default().chars().take(80).collect();
    let most = job.limits.labels.map_or(own.labels, |n| n as usize);
    if labels.len() > most {
        return Err(format!("`{shown}` has {} labels, the limit is {most} (`label_limit`)", labels.len()));
    }
    let most_name = job.limits.label_name.map_or(own.label_name_bytes, |n| n as usize);
    let most_value = job.limits.label_value.map_or(own.label_value_bytes, |n| n as usize);
    for (name, value) in labels.iter() {
        if name.len() > most_name {
            return Err(format!("`{shown}` has a label name of {} bytes, the limit is {most_name}", name.len()));
        }
        if value.len() > most_value {
            let name: String = name.chars().take(80).collect();
            return Err(format!("`{shown}`: `{name}` has {} bytes, the limit is {most_value}", value.len()));
        }
    }
    Ok(())
}

fn exemplar(exposed: watchkeeper_ingest::exposition::ExposedExemplar, series: &Labels, at: i64) -> Exemplar {
    let find = |names: [&str; 2]| {
        let found = exposed.labels.iter().find(|(name, _)| names.contains(&&**name));
        found.map(|(_, value)| value.to_string()).unwrap_or_default()
    };
    let (trace_id, span_id) = (find(["trace_id", "traceID"]), find(["span_id", "spanID"]));
    let attributes = exposed.labels.into_iter();
    let attributes = attributes.filter(|(name, _)| !matches!(&**name, "trace_id" | "traceID" | "span_id" | "spanID"));
    Exemplar {
        labels: series.clone(),
        t: exposed.t.unwrap_or(at),
        v: exposed.value,
        trace_id,
        span_id,
        attributes: Labels::from_pairs(attributes),
    }
}
