//! The shapes of Alertmanager's API v2, as its `openapi.yaml` has them.
//!
//! Not what stands behind them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use watchkeeper_alert::Posted;
use watchkeeper_alert::active::Active;
use watchkeeper_alert::silence::{Silence, SilenceState};
use watchkeeper_domain::{Labels, MatchOp, Matcher, Span, TimeInterval, Timestamp};

/// The annotation under which Alertmanager's programs see when a silence recurs, and by which they set it: the JSON of a
/// time interval.
pub(super) const RECURRENCE: &str = "watchkeeper.recurrence";

/// An alert as it is posted.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PostableAlert {
    labels: Labels,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
    #[serde(default)]
    starts_at: Option<Timestamp>,
    #[serde(default)]
    ends_at: Option<Timestamp>,
    #[serde(default, rename = "generatorURL")]
    generator_url: Option<String>,
}

impl From<PostableAlert> for Posted {
    fn from(alert: PostableAlert) -> Self {
        // Go writes the year 1 for a time that is not set.
        let set = |at: Option<Timestamp>| at.filter(|at| at.as_micros() > 0);
        let mut annotations = alert.annotations.unwrap_or_default();
        annotations.retain(|_, value| !value.is_empty());
        Self {
            labels: alert.labels,
            annotations,
            starts_at: set(alert.starts_at),
            ends_at: set(alert.ends_at),
            generator_url: alert.generator_url.unwrap_or_default(),
            origin: None,
        }
    }
}

/// An alert as it is shown.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GettableAlert {
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) ends_at: Timestamp,
    pub(super) fingerprint: String,
    pub(super) receivers: Vec<Name>,
    pub(super) starts_at: Timestamp,
    pub(super) status: AlertStatus,
    pub(super) updated_at: Timestamp,
    #[serde(rename = "generatorURL")]
    pub(super) generator_url: String,
    pub(super) labels: Labels,
}

/// What refers to a receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Name {
    pub(super) name: String,
}

/// Whether an alert is told.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AlertStatus {
    pub(super) state: &'static str,
    pub(super) silenced_by: Vec<String>,
    pub(super) inhibited_by: Vec<String>,
    pub(super) muted_by: Vec<String>,
}

/// A group.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AlertGroup {
    pub(super) labels: Labels,
    pub(super) route_labels: BTreeMap<String, String>,
    pub(super) receiver: Name,
    pub(super) alerts: Vec<GettableAlert>,
}

/// A receiver.
#[derive(Debug, Serialize)]
pub(super) struct Receiver {
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
}

/// A matcher in four parts.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MatcherParts {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) is_regex: bool,
    #[serde(default = "yes")]
    pub(super) is_equal: bool,
}

fn yes() -> bool {
    true
}

impl From<&Matcher> for MatcherParts {
    fn from(matcher: &Matcher) -> Self {
        Self {
            name: matcher.name.clone(),
            value: matcher.value.clone(),
            is_regex: matches!(matcher.op, MatchOp::Match | MatchOp::NotMatch),
            is_equal: matches!(matcher.op, MatchOp::Equal | MatchOp::Match),
        }
    }
}

impl MatcherParts {
    /// The matcher.
    pub(super) fn matcher(self) -> Result<Matcher, String> {
        let op = match (self.is_regex, self.is_equal) {
            (false, true) => MatchOp::Equal,
            (false, false) => MatchOp::NotEqual,
            (true, true) => MatchOp::Match,
            (true, false) => MatchOp::NotMatch,
        };
        if self.name.is_empty() {
            return Err("a matcher needs the name of a label".to_owned());
        }
        Matcher::of_alerts(self.name, op, self.value).map_err(|error| error.to_string())
    }
}

/// A silence as it is posted.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PostableSilence {
    #[serde(default)]
    pub(super) id: Option<String>,
    pub(super) matchers: Vec<MatcherParts>,
    pub(super) starts_at: Timestamp,
    pub(super) ends_at: Timestamp,
    pub(super) created_by: String,
    pub(super) comment: String,
    #[serde(default)]
    pub(super) annotations: Option<BTreeMap<String, String>>,
}

/// A silence as it is shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GettableSilence {
    id: String,
    status: SilenceStatus,
    updated_at: Timestamp,
    comment: String,
    created_by: String,
    ends_at: Timestamp,
    matchers: Vec<MatcherParts>,
    starts_at: Timestamp,
    annotations: BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
struct SilenceStatus {
    state: SilenceState,
}

impl GettableSilence {
    /// The silence at a moment.
    pub(super) fn of(silence: &Silence, now: Timestamp) -> Self {
        let mut annotations = silence.annotations.clone();
        if let Some(times) = &silence.recurrence {
            annotations.insert(RECURRENCE.to_owned(), serde_json::to_string(times).unwrap_or_default());
        }
        Self {
            id: silence.id.uuid().to_string(),
            status: SilenceStatus { state: silence.state(now) },
            updated_at: silence.updated_at,
            comment: silence.comment.clone(),
            created_by: crate::http::alerts::person(&silence.created_by.to_string()),
            ends_at: silence.expired_at.unwrap_or(silence.ends_at),
            matchers: silence.matchers.iter().map(MatcherParts::from).collect(),
            starts_at: silence.starts_at,
            annotations,
        }
    }
}

/// Takes the recurrence out of a silence's annotations.
pub(super) fn recurrence(annotations: &mut BTreeMap<String, String>) -> Result<Option<TimeInterval>, String> {
    let Some(text) = annotations.remove(RECURRENCE) else { return Ok(None) };
    serde_json::from_str(&text).map(Some).map_err(|error| format!("the annotation `{RECURRENCE}`: {error}"))
}

/// An alert that fires. `renewal` stands for the end of one that a rule of ours found: it has none, and readers want one.
pub(super) fn gettable(
    active: &Active,
    receivers: Vec<Name>,
    now: Timestamp,
    renewal: Span,
    link: &str,
) -> GettableAlert {
    let alert = &active.alert;
    let generator_url = active.generator_url.clone().filter(|url| is_web(url));
    GettableAlert {
        annotations: alert.annotations.clone(),
        ends_at: active.ends_at.filter(|at| *at > now).unwrap_or(now + renewal),
        fingerprint: alert.fingerprint.clone(),
        receivers,
        starts_at: alert.started_at,
        status: AlertStatus {
            state: match (active.suppressed(), active.unprocessed) {
                (true, _) => "suppressed",
                (false, true) => "unprocessed",
                (false, false) => "active",
            },
            silenced_by: active.silenced_by.iter().map(|id| id.uuid().to_string()).collect(),
            inhibited_by: active.inhibited_by.clone(),
            muted_by: Vec::new(),
        },
        updated_at: alert.updated_at,
        generator_url: generator_url.unwrap_or_else(|| format!("{link}/alerts/{}", alert.id)),
        labels: alert.labels.clone(),
    }
}

/// Readers make links of these URLs, and one that is a script must not become one.
fn is_web(url: &str) -> bool {
    url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}
