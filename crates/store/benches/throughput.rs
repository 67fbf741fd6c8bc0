//! What appending costs in CPU and how long a start takes: `cargo bench -p watchkeeper-store`.
//!
//! Not a micro-benchmark: one million samples through the whole store, on a real disk, with labels as an exporter sends them.
#![expect(clippy::print_stdout, reason = "a benchmark's report")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use watchkeeper_domain::telemetry::{ArrivalListener, Batch, Sample, SeriesSamples, TelemetrySink};
use watchkeeper_domain::{Clock, Entropy, Env, Labels, Timestamp};
use watchkeeper_store::{Store, StoreOptions};

const SAMPLES: usize = 1_000_000;
const BATCH: usize = 2_000;
const NOW: i64 = 1_700_000_000_000;

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

/// Resident memory in MiB.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4 / 1_024
}

fn labels(series: usize) -> Labels {
    let name = format!("node_metric_{}", series % 50);
    let pairs = [
        ("__name__", name),
        ("instance", format!("10.0.{}.{}:9100", series / 250 % 250, series % 250)),
        ("n", series.to_string()),
    ];
    let constant = ["job", "region", "zone", "cluster", "namespace", "team", "device", "mode", "service"];
    pairs.into_iter().chain(constant.into_iter().map(|c| (c, format!("{c}-value")))).collect()
}

fn main() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    for series in [10_000, 100_000] {
        let folder = tempfile::tempdir().expect("a folder");
        let machine = Arc::new(Machine(Instant::now()));
        let env = Env { clock: Arc::clone(&machine) as _, entropy: machine as _ };
        let options = StoreOptions::new(folder.path());
        let (store, recovery) = Store::open(&options, env.clone(), Arc::new(Silent)).expect("an empty store");
        println!("{series} series: opened empty in {:?}, {} MiB resident", recovery.took, resident());

        let one = |n: i64| Batch {
            series: vec![SeriesSamples {
                labels: labels(0),
                samples: vec![Sample { t: NOW - 900_000 + n, v: 1.0 }],
                start: None,
            }],
            ..Batch::default()
        };
        let mut single: Vec<Duration> = (0..200)
            .map(|n| {
                let begun = Instant::now();
                runtime.block_on(store.append(one(n))).expect("an append");
                begun.elapsed()
            })
            .collect();
        single.sort_unstable();
        println!("  one sample, idle: p50 {:?}, p99 {:?}", single[100], single[197]);

        let sets: Vec<Labels> = (0..series).map(labels).collect();
        for clients in [1, 8] {
            let rounds = SAMPLES / series;
            let offset = if clients == 1 { 800_000 } else { 400_000 };
            let mut batches: Vec<Batch> = (0..rounds)
                .flat_map(|round| sets.chunks(BATCH).map(move |chunk| (round, chunk)))
                .map(|(round, chunk)| {
                    let t = NOW - offset + round as i64 * 1_000;
                    let one = |labels: &Labels| SeriesSamples {
                        labels: labels.clone(),
                        samples: vec![Sample { t, v: (round * 3) as f64 }],
                        start: None,
                    };
                    Batch { series: chunk.iter().map(one).collect(), ..Batch::default() }
                })
                .collect();
            let (begun, used) = (Instant::now(), cpu());
            while !batches.is_empty() {
                let group: Vec<Batch> = batches.drain(..clients.min(batches.len())).collect();
                for answer in runtime.block_on(join_all(group.into_iter().map(|b| store.append(b)))) {
                    answer.expect("an append");
                }
            }
            println!(
                "  {clients} at a time: {SAMPLES} samples in {:?}, {:.2} CPU-s, {} syncs, {} MiB resident, {} bytes on disk",
                begun.elapsed(),
                cpu() - used,
                store.stats().syncs,
                resident(),
                store.stats().log_bytes
            );
        }
        drop(store);
        let (used, (store, recovery)) = (cpu(), Store::open(&options, env, Arc::new(Silent)).expect("the store again"));
        println!("  replay of {} samples: {:?}, {:.2} CPU-s", recovery.samples, recovery.took, cpu() - used);
        drop(store);
    }
}
