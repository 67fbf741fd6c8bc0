//! How long a backtest takes, and what one evaluation of a rule costs: `cargo bench -p watchkeeper-detect`.
//!
//! Not a micro-benchmark: the telemetry store on a real disk answers, and the report is for people. 30 days of 100 series,
//! a sample each 15 s or 60 s; a gauge with a threshold, and a ratio of rates.
#![expect(clippy::print_stdout, reason = "a benchmark's report")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use watchkeeper_config::model::{OnNoData, Rule, RuleKind, TemplateLanguage};
use watchkeeper_detect::backtest::{Asked, Backtest, run};
use watchkeeper_domain::query::Query;
use watchkeeper_domain::telemetry::{ArrivalListener, Batch, Sample, SeriesSamples, TelemetrySink};
use watchkeeper_domain::{Category, Clock, Entropy, Env, Labels, Priority, Span, Timestamp};
use watchkeeper_store::{Store, StoreOptions};

const DAYS: i64 = 30;
const SERIES: i64 = 100;
const NOW: i64 = 1_790_000_000_000;
const START: i64 = NOW - DAYS * 86_400_000;

struct Machine(Instant);

impl Clock for Machine {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(NOW)
    }
    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
    fn sleep_until(&self, _: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }
}

impl Entropy for Machine {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

struct Silent;

impl ArrivalListener for Silent {
    fn arrived(&self, _: &[Labels]) {}
}

/// CPU seconds of this process so far (`/proc/self/stat`, ticks of 10 ms).
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: f64 = after_name.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<f64>().ok()).sum();
    ticks / 100.0
}

fn labels(name: &str, series: i64) -> Labels {
    Labels::from_pairs([
        ("__name__", name.to_owned()),
        ("service", format!("service-{}", series % 20)),
        ("instance", format!("10.0.0.{series}:8080")),
        ("env", "prod".to_owned()),
    ])
}

/// Fills a store with a gauge of noise and a few spikes, and with a counter.
async fn filled(folder: &std::path::Path, every_s: i64) -> Store {
    let options = StoreOptions { retention: Span::from_secs(60 * 86_400), ..StoreOptions::new(folder) };
    let env = Env { clock: Arc::new(Machine(Instant::now())), entropy: Arc::new(Machine(Instant::now())) };
    let (store, _) = Store::open(&options, env, Arc::new(Silent)).expect("an empty folder opens");
    let hour = 3_600_000;
    for from in (START..NOW).step_by(6 * 3_600_000) {
        let series = (0..SERIES).flat_map(|series| {
            let times =
                move || (from..(from + 6 * hour).min(NOW)).step_by(usize::try_from(every_s * 1_000).unwrap_or(1));
            let gauge = move |t: i64| {
                let noise = (t / 1_000 + series * 7_919).wrapping_mul(2_654_435_761) % 1_000;
                let spike = (t / hour + series * 13) % 211 == 0;
                if spike { 0.9 } else { 0.2 + noise as f64 / 5_000.0 }
            };
            let counter = move |t: i64| ((t - START) / 1_000) as f64 * (1.0 + series as f64 / 50.0);
            let of = |name: &str, v: &dyn Fn(i64) -> f64| SeriesSamples {
                labels: labels(name, series),
                samples: times().map(|t| Sample { t, v: v(t).round_to() }).collect(),
                start: None,
            };
            [of("load_ratio", &gauge), of("requests_total", &counter)]
        });
        store.append(Batch { series: series.collect(), ..Batch::default() }).await.expect("the disk takes it");
    }
    store
}

trait Rounded {
    fn round_to(self) -> Self;
}

impl Rounded for f64 {
    /// Four decimals, as exporters have them.
    fn round_to(self) -> Self {
        (self * 1e4).round() / 1e4
    }
}

fn rule(expr: &str) -> Rule {
    Rule {
        id: "bench/Rule".into(),
        name: "Rule".into(),
        expr: expr.into(),
        kind: RuleKind::Alerting {
            hold: Span::from_secs(300),
            keep_firing_for: Span::ZERO,
            annotations: BTreeMap::new(),
            category: Category::Application,
            priority: Priority::High,
            on_no_data: OnNoData::Unknown,
            templates: TemplateLanguage::default(),
        },
        labels: BTreeMap::new(),
        line: 1,
    }
}

async fn timed(store: &Store, expr: &str, step_s: i64, explore: bool) -> (Backtest, f64, f64) {
    let rule = rule(expr);
    let asked = Asked {
        rule: &rule,
        start: Timestamp::from_millis(START),
        end: Timestamp::from_millis(NOW),
        step: Span::from_secs(step_s),
        incidents: &[],
        zone: jiff::tz::TimeZone::UTC,
        explore,
    };
    let (began, before) = (Instant::now(), cpu());
    let told = run(store, &asked, &|_| {}).await.expect("the rule can be replayed");
    (told, began.elapsed().as_secs_f64(), cpu() - before)
}

#[tokio::main]
async fn main() {
    for every_s in [60, 15] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = filled(folder.path(), every_s).await;
        println!("30 days of {SERIES} series, a sample each {every_s} s, step {every_s} s");
        for (what, expr) in [
            ("gauge over a threshold", "load_ratio > 0.8"),
            ("rate of a counter", "rate(requests_total[5m]) > 2.5"),
            ("sum of rates by service", "sum by (service) (rate(requests_total[5m])) > 14"),
        ] {
            for explore in [false, true] {
                let (told, wall, cpu) = timed(&store, expr, every_s, explore).await;
                println!(
                    "  {what:<26} {:<22} {wall:>6.2} s, {cpu:>6.2} s of CPU; {} pages, {} alerts, {} looks",
                    if explore { "with the exploration" } else { "" },
                    told.pages,
                    told.fired,
                    told.looks
                );
            }
        }
        let expr = "sum by (service) (rate(requests_total{service=\"service-7\"}[5m])) > 14";
        let (rounds, before) = (2_000_i64, cpu());
        for i in 0..rounds {
            let at = Timestamp::from_millis(NOW - 3_600_000 + i * 1_000);
            store.instant(expr, at).await.expect("the query is answered");
        }
        println!("  one evaluation of a rule of 5 series: {:.0} us of CPU", (cpu() - before) * 1e6 / rounds as f64);
    }
}
