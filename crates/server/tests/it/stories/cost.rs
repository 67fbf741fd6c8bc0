//! What an alert costs on its way from the verdict to the first delivery attempt: counted, not timed, so that no machine
//! decides whether it passes.
//!
//! Not a benchmark: `bench/run.sh` measures the milliseconds. Each statement is two changes of threads, and each commit
//! a sync of the disk, so these two numbers are what the milliseconds are made of.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tracing::Instrument as _;
use tracing::field::{Field, Visit};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use watchkeeper_domain::telemetry::{Batch, TelemetrySink as _};
use watchkeeper_testkit::Answer;

use super::world::{World, samples};

/// The most statements for an alert that opens an incident and calls people for it.
const MOST_FOR_THE_FIRST: usize = 42;
/// The most statements for another alert of a known rule, in a group of its own, that joins the incident.
const MOST_FOR_ANOTHER: usize = 30;

const RULES: &str = "
groups:
  - name: cost
    rules:
      - alert: QueueFull
        expr: queue_fill_ratio > 0.9
        priority: critical
";

/// The name of the span in which statements are counted.
const COUNTED: &str = "counted";

/// Counts the statements that are run for whoever is inside a span of the name. The driver says each to `tracing`, from
/// its own thread, in the span of whoever asked.
#[derive(Clone, Default)]
struct Statements(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Statements {
    fn on_event(&self, event: &tracing::Event<'_>, context: Context<'_, S>) {
        let inside = context.event_scope(event).is_some_and(|mut spans| spans.any(|span| span.name() == COUNTED));
        if inside && event.metadata().target() == "sqlx::query" {
            let mut text = Text::default();
            event.record(&mut text);
            self.0.lock().push(text.0);
        }
    }
}

#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "summary" {
            self.0 = format!("{value:?}");
        }
    }
}

impl Statements {
    /// The one of this process; other tests that run in it are not inside the span.
    fn listen() -> Self {
        static STATEMENTS: std::sync::OnceLock<Statements> = std::sync::OnceLock::new();
        let all = STATEMENTS.get_or_init(|| {
            let all = Self::default();
            let subscriber = tracing_subscriber::registry().with(all.clone());
            tracing::subscriber::set_global_default(subscriber).expect("no other test listens");
            all
        });
        all.clone()
    }
}

/// A sample crosses, and the rules are evaluated: nothing else runs. Gives the statements and the commits that it took
/// until the attempt was on disk.
async fn cross(world: &World, statements: &Statements, queue: &str) -> (Vec<String>, u64) {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    assert_eq!(CALLS.fetch_add(1, Ordering::Relaxed) / 2, 0, "the list is shared: one test counts");
    let series = samples(&format!("queue_fill_ratio{{queue=\"{queue}\"}}"), world.now().as_millis(), 0.95);
    world.shared().store.append(Batch { series: vec![series], ..Batch::default() }).await.unwrap();
    let rules = world.stage("rules");
    // What comes back of the attempt is a commit of its own, and not counted.
    world.operations.otherwise(Answer::Hang);
    let before = world.shared().state.commits();
    statements.0.lock().clear();
    let report = rules.reconcile().instrument(tracing::info_span!(COUNTED)).await.unwrap();
    let counted = (statements.0.lock().clone(), world.shared().state.commits() - before);
    assert_eq!(report.processed, 1);
    world.operations.release();
    // What was claimed leaves, though no other stage has run.
    world.shared().deliverer.settle().await;
    let fires = |body: serde_json::Value| body["alerts"][0]["labels"]["queue"] == queue && body["status"] == "firing";
    assert!(world.operations.requests().iter().any(|request| fires(request.json())), "{queue} was not told");
    counted
}

#[tokio::test]
async fn one_commit_and_few_statements_lie_between_a_verdict_and_the_first_attempt() {
    let statements = Statements::listen();
    let mut world = World::new().await;
    world.write("rules/cost.yaml", RULES);
    world.shared().reload().await.unwrap();
    world.set("queue_fill_ratio{queue=\"a\"}", 0.1);
    world.set("queue_fill_ratio{queue=\"b\"}", 0.1);
    world.report().await;
    world.advance(watchkeeper_domain::Span::from_secs(1)).await;

    let (first, commits) = cross(&world, &statements, "a").await;
    assert_eq!(commits, 1, "{first:#?}");
    assert!(first.len() <= MOST_FOR_THE_FIRST, "{} statements: {first:#?}", first.len());

    world.advance(watchkeeper_domain::Span::from_secs(1)).await;
    let (another, commits) = cross(&world, &statements, "b").await;
    assert_eq!(commits, 1, "{another:#?}");
    assert!(another.len() <= MOST_FOR_ANOTHER, "{} statements: {another:#?}", another.len());
    world.end().await;
}
