//! Backtests: what is asked, how far it is, and what a rule would have done.
//!
//! Not the replay: `detect::backtest` has that.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Time;
use super::alerts::ChartSeries;

/// What to replay: a rule that runs, by name or id, or one that is written here. What is given beside `rule` takes the place
/// of the running rule's, so that a change can be tried before it is saved.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBacktest {
    /// A rule's id (`group/name`) or name.
    pub rule: Option<String>,
    /// The name, where there is no `rule`: a rule that runs under it is shown beside.
    pub name: Option<String>,
    /// PromQL.
    pub expr: Option<String>,
    /// `for`, for example `5m`.
    #[serde(rename = "for")]
    pub hold: Option<String>,
    /// How long it goes on firing after the condition ended.
    pub keep_firing_for: Option<String>,
    /// What missing data means: `unknown`, `ok` or `firing`.
    pub on_no_data: Option<String>,
    /// Labels that the rule sets; values may be templates.
    pub labels: Option<BTreeMap<String, String>>,
    /// How far back, for example `30d`; 30 days when neither this nor `start` is given.
    pub since: Option<String>,
    /// The first moment, instead of `since`.
    pub start: Option<Time>,
    /// The last moment; now when absent.
    pub end: Option<Time>,
    /// Time between two looks at the rule, for example `15s`; 15 s up to 31 days when absent, longer beyond.
    pub step: Option<String>,
    /// The time zone of those who would be woken, an IANA name; UTC when absent.
    pub time_zone: Option<String>,
    /// Whether other thresholds and `for`s are tried; yes when absent.
    pub explore: Option<bool>,
    /// Whether the rule that runs under this name is replayed too; yes when absent.
    pub compare: Option<bool>,
    /// How long the answer may wait for the end, in milliseconds, at most 10,000; 0 when absent.
    pub wait_ms: Option<u32>,
}

/// How long to wait.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct BacktestQuery {
    /// How long the answer may wait for the end, in milliseconds, at most 10,000; 0 when absent.
    pub wait_ms: Option<u32>,
}

/// How a backtest stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BacktestState {
    /// On its way.
    Running,
    /// There is a report.
    Done,
    /// There is none; `error` says why.
    Failed,
    /// It was stopped.
    Cancelled,
}

/// A backtest.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Backtest {
    /// `bkt_…`
    pub id: String,
    /// How it stands.
    pub state: BacktestState,
    /// How much is done, from 0 to 1.
    pub progress: f64,
    /// When it was started.
    pub started_at: Time,
    /// When it ended.
    pub ended_at: Option<Time>,
    /// Why it failed.
    pub error: Option<String>,
    /// What came of it.
    pub report: Option<Report>,
}

/// What came of a backtest.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// The rule that was asked about.
    pub candidate: Replayed,
    /// The rule that runs under its name, where it says something else.
    pub current: Option<Replayed>,
    /// The compared side over the window, some of its series, for a chart.
    pub chart: BacktestChart,
    /// What history says that the measured values should be, where the rule has a dynamic threshold.
    pub band: Option<BacktestBand>,
    /// How long it took, in seconds.
    pub took_seconds: f64,
}

/// The course of what a rule compares.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct BacktestChart {
    /// The query behind it.
    pub query: String,
    /// At most 20 lines; those that come closest to the condition, or pass it farthest.
    pub series: Vec<ChartSeries>,
    /// How many series there are.
    pub series_total: usize,
}

/// A band that is learnt from history.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct BacktestBand {
    /// What is measured by it.
    pub query: String,
    /// The parameters it is learnt with; they are frozen with their version.
    pub parameters: String,
    /// What was measured; at most 5 series.
    pub series: Vec<ChartSeries>,
    /// The upper edges, in the order of `series`; a gap where there was too little history.
    pub upper: Vec<ChartSeries>,
    /// The lower edges, in the order of `series`.
    pub lower: Vec<ChartSeries>,
}

/// One rule, and what it would have done.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Replayed {
    /// Its name.
    pub name: String,
    /// Its expression.
    pub expr: String,
    /// `for`.
    #[serde(rename = "for")]
    pub hold: String,
    /// `keep_firing_for`.
    pub keep_firing_for: String,
    /// How it compares, where one number decides: `>`, `>=`, `<`, `<=`, `==` or `!=`.
    pub comparison: Option<String>,
    /// The number.
    pub threshold: Option<f64>,
    /// What is compared with it.
    pub lhs: Option<String>,
    /// The first moment that was looked at.
    pub start: Time,
    /// The last one.
    pub end: Time,
    /// Time between two moments, in seconds.
    pub step_seconds: f64,
    /// Times at which somebody would have been told; alerts that were on at the same time count once.
    pub pages: u64,
    /// Pages in a week like these; absent where less than a day is known.
    pub pages_per_week: Option<f64>,
    /// Of the pages, those between 22:00 and 07:00.
    pub pages_at_night: u64,
    /// Of the pages, those that belong to no known incident.
    pub pages_without_incident: u64,
    /// How many alerts there were.
    pub fired: u64,
    /// Conditions that ended before `for` was over.
    pub not_held: u64,
    /// How long at least one alert was on, in seconds.
    pub firing_seconds: f64,
    /// The longest time that one was on, in seconds.
    pub longest_seconds: f64,
    /// How long nothing was known, in seconds.
    pub unknown_seconds: f64,
    /// How many series it compared at most.
    pub series: usize,
    /// The alerts, in the order in which they ended; at most 2,000.
    pub firings: Vec<BacktestFiring>,
    /// Times at which nothing was known; at most 500.
    pub unknown: Vec<BacktestUnknown>,
    /// By day.
    pub days: Vec<BacktestDay>,
    /// By hour of the day: 24.
    pub hours: Vec<BacktestHour>,
    /// Known incidents of that time.
    pub incidents: Vec<BacktestIncident>,
    /// Other thresholds and `for`s.
    pub exploration: Option<BacktestExploration>,
}

/// One alert that would have been.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct BacktestFiring {
    /// Its labels. Hostile text.
    pub labels: BTreeMap<String, String>,
    /// When the condition became true.
    pub active_at: Time,
    /// When it began.
    pub fired_at: Time,
    /// When it ended; absent: it is on at the end.
    pub resolved_at: Option<Time>,
    /// Why it ended.
    pub reason: Option<String>,
    /// The value when it began.
    pub value: Option<f64>,
    /// How long nobody could tell whether it should be on, in seconds.
    pub unknown_seconds: f64,
}

/// A time at which nothing was known.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct BacktestUnknown {
    /// From when.
    pub start: Time,
    /// Until when; absent: to the end.
    pub end: Option<Time>,
    /// Why.
    pub reason: String,
}

/// One day.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct BacktestDay {
    /// `2026-11-22`
    pub date: String,
    /// Pages that began on it.
    pub pages: u64,
    /// How long at least one alert was on, in seconds.
    pub firing_seconds: f64,
    /// How long nothing was known, in seconds.
    pub unknown_seconds: f64,
}

/// One hour of the day.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct BacktestHour {
    /// Pages that began in it, over all days.
    pub pages: u64,
    /// How long at least one alert was on, in seconds.
    pub firing_seconds: f64,
}

/// What a rule would have made of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BacktestVerdict {
    /// An alert would have begun in its time.
    Caught,
    /// An alert had been on for over an hour when it began.
    AlreadyFiring,
    /// No alert.
    Missed,
    /// Nothing was known of the rule in its time.
    Unknown,
}

/// A known incident.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct BacktestIncident {
    /// `inc_…`
    pub id: String,
    /// The short number that people say.
    pub number: i64,
    /// One line. Hostile text.
    pub title: String,
    /// When its first condition became true.
    pub started_at: Time,
    /// When it was detected.
    pub opened_at: Time,
    /// When it was over.
    pub ended_at: Option<Time>,
    /// The verdict.
    pub verdict: BacktestVerdict,
    /// When the alert would have begun.
    pub fired_at: Option<Time>,
    /// How much earlier than it was detected, in seconds; negative: later.
    pub earlier_seconds: Option<f64>,
}

/// What other settings would have done.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct BacktestExploration {
    /// From the one that fires most to the one that fires least.
    pub thresholds: Vec<f64>,
    /// `for`s in seconds, ascending.
    pub holds_seconds: Vec<f64>,
    /// By threshold, then by `for`.
    pub cells: Vec<Vec<BacktestCell>>,
}

/// One setting.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct BacktestCell {
    /// Times at which somebody would have been told.
    pub pages: u64,
    /// The same in a week; absent where less than a day is known.
    pub pages_per_week: Option<f64>,
    /// How long at least one alert would have been on, in seconds.
    pub firing_seconds: f64,
    /// How many of the known incidents it would have caught.
    pub caught: u64,
}
