//! A target: what discovery found, relabelled, with the URL that is asked.
//!
//! Not its state: the runner keeps that.

use std::sync::Arc;

use url::Url;
use watchkeeper_config::model::scrape::{ScrapeJob, TargetGroup};
use watchkeeper_config::secret::looks_secret;
use watchkeeper_domain::{Labels, Span};

use crate::relabel::{self, Working};

const ADDRESS: &str = "__address__";
const SCHEME: &str = "__scheme__";
const PATH: &str = "__metrics_path__";
const PARAM: &str = "__param_";
const INTERVAL: &str = "__scrape_interval__";
const TIMEOUT: &str = "__scrape_timeout__";

/// Something to scrape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its labels: those of all its series.
    pub labels: Labels,
    /// Its labels as they were found, before relabelling.
    pub discovered: Labels,
    /// What is asked.
    pub url: Url,
    /// How often.
    pub interval: Span,
    /// How long it may take.
    pub timeout: Span,
}

impl Target {
    /// The URL for people: the values of parameters that are credentials are left out.
    #[must_use]
    pub fn shown_url(&self) -> String {
        if !self.url.query_pairs().any(|(name, _)| looks_secret(&name)) {
            return self.url.to_string();
        }
        let shown = self.url.query_pairs().map(|(name, value)| {
            let value = if looks_secret(&name) { "hidden".into() } else { value };
            (name.into_owned(), value.into_owned())
        });
        let (mut url, pairs) = (self.url.clone(), shown.collect::<Vec<_>>());
        url.query_pairs_mut().clear().extend_pairs(pairs);
        url.to_string()
    }
}

/// What became of something that discovery found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is scraped.
    Target(Box<Target>),
    /// Relabelling dropped it; these were its labels.
    Dropped(Labels),
    /// It cannot be scraped.
    Refused {
        /// Its labels as they were found.
        discovered: Labels,
        /// Why.
        why: String,
    },
}

/// What becomes of each of a group's targets.
pub fn of_group<'a>(job: &'a ScrapeJob, group: &'a TargetGroup) -> impl Iterator<Item = Outcome> + 'a {
    group.targets.iter().map(|address| of_address(job, group, address))
}

fn of_address(job: &ScrapeJob, group: &TargetGroup, address: &str) -> Outcome {
    let mut labels: Working =
        group.labels.iter().map(|(n, v)| (Arc::from(n.as_str()), Arc::from(v.as_str()))).collect();
    let mut given = |name: &str, value: &str| {
        labels.entry(Arc::from(name)).or_insert_with(|| Arc::from(value));
    };
    given("job", &job.name);
    given(SCHEME, if job.https { "https" } else { "http" });
    given(PATH, &job.path);
    given(INTERVAL, &job.interval.to_string());
    given(TIMEOUT, &job.timeout.to_string());
    for (name, values) in &job.params {
        // Labels are shown; what is a credential is added to the request alone.
        if let Some(first) = values.first().filter(|_| !looks_secret(name)) {
            given(&format!("{PARAM}{name}"), first);
        }
    }
    labels.insert(Arc::from(ADDRESS), Arc::from(address));
    let discovered = Labels::from_pairs(labels.clone());
    if !relabel::apply(&mut labels, &job.relabel) {
        return Outcome::Dropped(discovered);
    }
    match target(job, labels, &discovered) {
        Ok(target) => Outcome::Target(Box::new(target)),
        Err(why) => Outcome::Refused { discovered, why },
    }
}

fn target(job: &ScrapeJob, mut labels: Working, discovered: &Labels) -> Result<Target, String> {
    let text = |name: &str| labels.get(name).map_or("", |value| value);
    let address = text(ADDRESS);
    if address.is_empty() {
        return Err("relabelling left it without an address".to_owned());
    }
    let span = |name: &str, default: Span| match text(name) {
        "" => Ok(default),
        given => given.parse::<Span>().map_err(|e| format!("`{name}`: {e}")),
    };
    let interval = span(INTERVAL, job.interval)?;
    let timeout = span(TIMEOUT, job.timeout)?;
    if interval.is_zero() || timeout.is_zero() || timeout > interval {
        return Err(format!("the time-out ({timeout}) and the interval ({interval}) do not fit together"));
    }
    let mut url = Url::parse(&format!("{}://{address}/", text(SCHEME)))
        .map_err(|e| format!("`{address}` is not an address: {e}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.path() != "/" || url.query().is_some() {
        return Err(format!("`{}://{address}` is not an address of http or https", text(SCHEME)));
    }
    url.set_path(text(PATH));
    let mut params: Vec<(String, String)> = Vec::new();
    for (name, values) in &job.params {
        // Relabelling speaks of the first value; the others are as they were written.
        let skipped = usize::from(!looks_secret(name));
        params.extend(values.iter().skip(skipped).map(|value| (name.clone(), value.clone())));
    }
    let first = labels.iter().filter_map(|(n, v)| Some((n.strip_prefix(PARAM)?.to_owned(), v.to_string())));
    params.splice(0..0, first.collect::<Vec<_>>());
    if !params.is_empty() {
        url.query_pairs_mut().extend_pairs(params);
    }
    if text("instance").is_empty() {
        let address = Arc::from(address);
        labels.insert(Arc::from("instance"), address);
    }
    labels.retain(|name, _| !name.starts_with("__"));
    Ok(Target { labels: Labels::from_pairs(labels), discovered: discovered.clone(), url, interval, timeout })
}
