//! Plays the customers, and the attacker when that fault is on: real HTTP from loopback addresses of their own.
//! It measures page loads as customers feel them; what the servers measure is the servers' affair.

mod attacker;
mod browser;
mod customer;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use opentelemetry::metrics::Histogram;
use rand::Rng;

use crate::customers::CUSTOMERS;
use crate::leash::Leash;
use crate::options::DriverOptions;
use crate::serve::StartError;
use crate::telemetry;
use browser::Browser;

/// Where the attacker comes from.
pub const ATTACKER: Ipv4Addr = Ipv4Addr::new(127, 0, 66, 6);

/// What the driver measures.
#[derive(Clone)]
struct Felt {
    page_load: Histogram<f64>,
    active: Arc<AtomicI64>,
}

/// Runs the customers until the driver is released.
///
/// # Errors
/// When the HTTP clients cannot be built.
pub async fn run(options: DriverOptions, leash: Leash) -> Result<(), StartError> {
    let felt = Felt::new();
    let mut tasks = tokio::task::JoinSet::new();
    for ((username, _), host) in CUSTOMERS.iter().zip(10_u8..).take(usize::from(options.customers)) {
        let browser = Browser::new(&options.front, Ipv4Addr::new(127, 0, 1, host), felt.clone())?;
        tasks.spawn(customer::live(username, browser));
    }
    let attacker = Browser::new(&options.front, ATTACKER, felt)?;
    tasks.spawn(attacker::lurk(attacker, leash.faults.clone()));
    tracing::info!(customers = options.customers, front = options.front, "customers are on their way");
    leash.released().await;
    tasks.shutdown().await;
    Ok(())
}

impl Felt {
    fn new() -> Self {
        let meter = telemetry::meter();
        let page_load = meter
            .f64_histogram("bank.page.load.duration")
            .with_unit("s")
            .with_description("How long customers waited for a page")
            .with_boundaries(vec![0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0])
            .build();
        let active = Arc::new(AtomicI64::new(0));
        let watched = active.clone();
        meter
            .i64_observable_up_down_counter("bank.customers.active")
            .with_unit("{customer}")
            .with_description("Customers who are visiting now")
            .with_callback(move |observer| observer.observe(watched.load(Ordering::Relaxed), &[]))
            .build();
        Self { page_load, active }
    }
}

/// Waits as a person does: for a random time in the range, in seconds.
async fn think(seconds: std::ops::Range<f64>) {
    let pause = rand::rng().random_range(seconds);
    tokio::time::sleep(Duration::from_secs_f64(pause)).await;
}
