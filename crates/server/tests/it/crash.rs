//! SIGKILL at random moments: what was answered 2xx is still there, what was told was told once, what was done was done
//! once, and where nobody can know, the ledger says so.
//!
//! The real program as a process of its own, killed without a chance to tidy up; the receiver of its messages and the
//! target of its workflows live in this process and remember everything over all rounds.
//! `WATCHKEEPER_CRASH_ROUNDS` says how often, `WATCHKEEPER_CRASH_SEED` repeats the moments and the load of a run, though not
//! the operating system's share in it.
//! Not a power cut: the page cache survives. What was not yet synced but would survive here is the store's own test.

mod checks;
mod load;
pub(crate) mod program;
mod table;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use watchkeeper_testkit::MockWebhook;

use load::{Acknowledged, Load};
use program::Program;

/// How often it is killed when nobody says.
const ROUNDS: u32 = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_was_answered_is_lost_and_nothing_is_told_or_done_twice_without_a_reason() {
    let rounds = from_environment("WATCHKEEPER_CRASH_ROUNDS").map_or(ROUNDS, |n| u32::try_from(n).unwrap());
    let seed = from_environment("WATCHKEEPER_CRASH_SEED").unwrap_or_else(rand::random);
    println!("WATCHKEEPER_CRASH_SEED={seed} WATCHKEEPER_CRASH_ROUNDS={rounds}");
    let mut random = StdRng::seed_from_u64(seed);

    let (receiver, target) = (MockWebhook::start().await, MockWebhook::start().await);
    let folder = tempfile::tempdir().unwrap();
    configure(folder.path(), &receiver, &target);
    let acknowledged = Arc::new(Acknowledged::default());
    let address = program::free_address();
    let mut starts = Vec::new();
    for round in 0..rounds {
        let mut program = Program::start(folder.path(), address).await;
        starts.push(program.took);
        checks::ledger_is_intact(&program).await;
        let load = Load::start(&program, round, random.random(), &acknowledged);
        until(Duration::from_millis(random.random_range(20..400))).await;
        program.kill();
        load.end().await;
    }
    let program = Program::start(folder.path(), address).await;
    starts.sort_unstable();
    println!("{}", acknowledged.summary());
    println!("starts took {:?} (median) to {:?}", starts[starts.len() / 2], starts[starts.len() - 1]);
    acknowledged.check();
    checks::until_quiet(&program).await;
    checks::ledger_is_intact(&program).await;
    let ledger = checks::ledger(&program).await;
    checks::telemetry(&program, &acknowledged).await;
    checks::commands(&program, &acknowledged).await;
    checks::notifications(&program, &ledger, &receiver.requests()).await;
    checks::incidents(&program, &ledger).await;
    checks::steps(&program, &target.requests()).await;
}

/// The random moment of the kill: the one thing here that is about real time.
#[expect(clippy::disallowed_methods, reason = "a process of its own is killed at a random moment of real time")]
async fn until(passed: Duration) {
    tokio::time::sleep(passed).await;
}

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("the variable holds a whole number"))
}

fn configure(folder: &Path, receiver: &MockWebhook, target: &MockWebhook) {
    let main = format!(
        "
rule_files: [rules.yaml]
workflow_files: [workflows.yaml]
evaluation: {{interval: 1s}}
receivers:
  - {{name: operations, webhook: {{url: '{operations}', timeout: 2s}}}}
  - {{name: security, webhook: {{url: '{security}', timeout: 2s}}}}
route:
  receiver: operations
  # One alert in a message: each state of each alert is told by itself.
  group_by: ['...']
  group_wait: 0s
  group_interval: 10ms
  repeat_interval: 24h
  routes: [{{receiver: security, matchers: ['category=\"security\"']}}]
incidents: {{group_by: [service], open_from: low}}
",
        operations = receiver.url("/operations"),
        security = receiver.url("/security"),
    );
    let rules = "
groups:
  - name: crash
    rules:
      - {alert: Down, expr: crash_value > 0.5, category: application, priority: high}
      - {alert: Intruder, expr: crash_intruder > 0.5, category: security, priority: critical}
";
    let workflows = format!(
        "
workflows:
  - name: by-hand
    guard: {{tries: 1, cooldown: 0s, runs_per_hour: 100000, timeout: 1m}}
    steps: &steps
      - {{name: once, uses: http, with: {{url: '{url}/once/{{{{ run.id }}}}'}}, timeout: 5s}}
      - {{name: again, uses: http, with: {{url: '{url}/again/{{{{ run.id }}}}'}}, timeout: 5s, idempotent: true}}
    verify: &verify {{all: ['vector(1) == bool 1'], hold: 0s, within: 5s}}
  - name: heal
    on: {{alert: ['alertname=\"Down\"', 'service=~\"s[01]\"']}}
    target: '{{{{ labels.service }}}}'
    guard: {{tries: 1, cooldown: 0s, runs_per_hour: 100000, timeout: 1m}}
    steps: *steps
    verify: *verify
",
        url = target.url(""),
    );
    for (name, text) in [("watchkeeper.yaml", main.as_str()), ("rules.yaml", rules), ("workflows.yaml", &workflows)] {
        std::fs::write(folder.join(name), text).unwrap();
    }
}
