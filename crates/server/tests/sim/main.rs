//! Deterministic simulation: the real application over a real database in a world that breaks, with the promises looked at
//! after everything that happens. One seed is one run, and a failing one is printed with the command that repeats it.
//!
//! Not a test of the network's and the disk's own code: the application sees them through its seams (clock, randomness,
//! network, the database's commits). `cargo xtask sim --seeds N --from S` runs as many worlds as wanted;
//! `WATCHKEEPER_SIM_KEEP=FOLDER` keeps the database of a world that fails.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    unreachable_pub,
    reason = "tests fail by panicking and print what they did"
)]

mod checks;
mod clock;
mod fate;
mod model;
mod mutant;
mod network;
mod plan;
mod world;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use mutant::Mutant;
use tempfile::TempDir;
use watchkeeper_state::State;
use world::World;

/// How many worlds `make test` runs: as many as a minute takes. `cargo xtask sim` runs any number.
const SEEDS: u64 = 150;
/// In so many worlds each planted fault must be found.
const FINDS: u64 = 60;

/// What became of one world.
struct Ended {
    complaint: Option<String>,
    trace: Vec<String>,
    deaths: usize,
    messages: usize,
}

fn world(seed: u64, mutant: Option<Mutant>, empty: &Path) -> Ended {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut world = World::new(seed, mutant, empty).await;
        plan::run(&mut world).await;
        if let (Some(_), Ok(folder)) = (&world.complaint, std::env::var("WATCHKEEPER_SIM_KEEP")) {
            world.keep(Path::new(&folder));
        }
        Ended {
            complaint: world.complaint.take(),
            deaths: world.deaths,
            messages: world.network.arrivals().len(),
            trace: std::mem::take(&mut world.trace),
        }
    })
}

/// An empty database, brought up to date once for all worlds.
fn empty() -> (TempDir, PathBuf) {
    let folder = world::scratch();
    let file = folder.path().join("state.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { State::open(&file).await.unwrap().close().await });
    (folder, file)
}

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("the variable holds a whole number"))
}

/// Does the work of each number on all processors.
fn on_all_processors(numbers: std::ops::Range<u64>, work: impl Fn(u64) + Sync) {
    let next = AtomicU64::new(numbers.start);
    let threads = thread::available_parallelism().map_or(2, std::num::NonZero::get);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= numbers.end {
                        return;
                    }
                    work(number);
                }
            });
        }
    });
}

#[test]
fn every_seed_keeps_the_promises() {
    let seeds = from_environment("WATCHKEEPER_SIM_SEEDS").unwrap_or(SEEDS);
    let from = from_environment("WATCHKEEPER_SIM_FROM").unwrap_or(1);
    let (_folder, empty) = empty();
    let (deaths, messages, failed) = (AtomicU64::new(0), AtomicU64::new(0), parking_lot::Mutex::new(Vec::new()));
    on_all_processors(from..from + seeds, |seed| {
        let ended = world(seed, None, &empty);
        deaths.fetch_add(ended.deaths as u64, Ordering::Relaxed);
        messages.fetch_add(ended.messages as u64, Ordering::Relaxed);
        if let Some(complaint) = ended.complaint {
            let trace = if seeds == 1 { format!("{}\n", ended.trace.join("\n")) } else { String::new() };
            println!("{trace}seed {seed}: {complaint}\nrepeat it: cargo xtask sim --seeds 1 --from {seed}");
            failed.lock().push(seed);
        }
    });
    println!("{seeds} worlds from seed {from}: {deaths:?} deaths, {messages:?} messages");
    let failed = failed.into_inner();
    assert!(failed.is_empty(), "{} of {seeds} seeds fail: {failed:?}", failed.len());
}

#[test]
fn one_seed_is_one_run() {
    let (_folder, empty) = empty();
    on_all_processors(0..12, |seed| {
        let (first, second) = (world(seed, None, &empty), world(seed, None, &empty));
        let differs = first.trace.iter().zip(&second.trace).find(|(one, other)| one != other);
        assert!(differs.is_none(), "seed {seed}: {differs:#?}");
        assert_eq!(first.trace.len(), second.trace.len(), "seed {seed}");
    });
}

#[test]
fn each_planted_fault_is_found() {
    let (_folder, empty) = empty();
    on_all_processors(0..Mutant::ALL.len() as u64, |number| {
        let mutant = Mutant::ALL[number as usize];
        let found = (1..=FINDS).find_map(|seed| Some((seed, world(seed, Some(mutant), &empty).complaint?)));
        let Some((seed, complaint)) = found else { panic!("{mutant:?} was not found in {FINDS} worlds") };
        println!("{mutant:?} is found by seed {seed}: {complaint}");
    });
}
