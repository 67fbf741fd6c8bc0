//! What is scraped, in Prometheus's terms.
//!
//! Not targets: discovery and relabelling make them, while the server runs.

use std::collections::BTreeMap;
use std::path::PathBuf;

use regex::Regex;
use watchkeeper_domain::Span;

use crate::secret::Secret;

/// A job: targets that are scraped in one way.
#[derive(Debug, Clone)]
pub struct ScrapeJob {
    /// The label `job` of its series, unless relabelling says otherwise.
    pub name: String,
    /// How often. Default 15 s.
    pub interval: Span,
    /// How long a scrape may take. Default 10 s, or the interval if that is shorter.
    pub timeout: Span,
    /// The path. Default `/metrics`.
    pub path: String,
    /// Whether it is `https`.
    pub https: bool,
    /// Parameters of the query.
    pub params: Vec<(String, Vec<String>)>,
    /// Whether labels that the target exposes win over those of the target itself.
    pub honor_labels: bool,
    /// Whether times that the target exposes are taken.
    pub honor_timestamps: bool,
    /// Whether series with times of their own get stale markers too.
    pub track_timestamps_staleness: bool,
    /// The value of the `Authorization` header.
    pub authorization: Option<Secret>,
    /// How TLS is spoken.
    pub tls: ScrapeTls,
    /// Targets that are written down.
    pub groups: Vec<TargetGroup>,
    /// Files of targets.
    pub files: Vec<FileDiscovery>,
    /// URLs that answer with targets.
    pub urls: Vec<HttpDiscovery>,
    /// What is done to a target's labels before it is scraped.
    pub relabel: Vec<Relabel>,
    /// What is done to a sample's labels before it is kept.
    pub metric_relabel: Vec<Relabel>,
    /// What one scrape may bring.
    pub limits: ScrapeLimits,
}

/// How TLS is spoken with a target.
#[derive(Debug, Clone, Default)]
pub struct ScrapeTls {
    /// PEM of the authorities that are trusted instead of the system's.
    pub ca: Option<String>,
    /// PEM of our own certificate and key, for targets that want one.
    pub identity: Option<Secret>,
    /// Whether any certificate will do.
    pub insecure_skip_verify: bool,
}

/// Bounds on one scrape; none: the server's own bounds hold alone. Over one, the scrape fails as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScrapeLimits {
    /// Samples after relabelling.
    pub samples: Option<u32>,
    /// Targets after relabelling.
    pub targets: Option<u32>,
    /// Labels of a sample.
    pub labels: Option<u32>,
    /// Bytes of a label's name.
    pub label_name: Option<u32>,
    /// Bytes of a label's value.
    pub label_value: Option<u32>,
    /// Bytes of the uncompressed answer.
    pub body: Option<u64>,
}

/// Targets with labels in common.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TargetGroup {
    /// `host:port` of each.
    pub targets: Vec<String>,
    /// Their labels.
    pub labels: BTreeMap<String, String>,
}

/// Files of targets, JSON or YAML, read again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDiscovery {
    /// Paths; the last part may hold `*` and `?`.
    pub paths: Vec<PathBuf>,
    /// How often they are read. Default 5 s: reading a small file costs less than missing that it changed.
    pub refresh: Span,
}

/// A URL that answers with targets as JSON.
#[derive(Debug, Clone)]
pub struct HttpDiscovery {
    /// The URL.
    pub url: String,
    /// How often it is asked. Default 1 min.
    pub refresh: Span,
    /// The value of the `Authorization` header.
    pub authorization: Option<Secret>,
}

/// One step of relabelling.
#[derive(Debug, Clone)]
pub struct Relabel {
    /// What is done.
    pub action: RelabelAction,
    /// The labels whose values, joined, are looked at.
    pub source_labels: Vec<String>,
    /// What joins them. Default `;`.
    pub separator: String,
    /// What the joined values are matched with, from beginning to end. Default: anything.
    pub regex: Regex,
    /// The divisor of `hashmod`.
    pub modulus: u64,
    /// The label that is set.
    pub target_label: String,
    /// What it is set to; `$1` is a group of the match. Default `$1`.
    pub replacement: String,
}

/// What a step of relabelling does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelabelAction {
    /// Sets the target label where the expression matches.
    Replace,
    /// Drops what does not match.
    Keep,
    /// Drops what matches.
    Drop,
    /// Drops where the joined values are not the target label's.
    KeepEqual,
    /// Drops where the joined values are the target label's.
    DropEqual,
    /// Sets the target label to a hash of the joined values modulo `modulus`.
    HashMod,
    /// Copies each label whose name matches to the name that `replacement` gives.
    LabelMap,
    /// Removes labels whose names match.
    LabelDrop,
    /// Removes labels whose names do not match.
    LabelKeep,
    /// Sets the target label to the joined values in lower case.
    Lowercase,
    /// The same in upper case.
    Uppercase,
}
