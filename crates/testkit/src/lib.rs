//! Test equipment: a clock that stands still, randomness that repeats, and peers that behave as the real ones do.
//!
//! Not part of the product: only tests and the demo's bank link it. Nothing here judges the product; it only plays the
//! other side (a webhook's receiver, Slack, a mail server) and writes down what it saw.
#![warn(missing_docs)]

pub mod clock;
pub mod entropy;
pub mod node;
pub mod providers;
pub mod python;
pub mod slack;
pub mod smtp;
pub mod webhook;

use std::sync::Arc;

use watchkeeper_domain::{Env, Timestamp};

pub use clock::{SystemClock, VirtualClock};
pub use entropy::SeededEntropy;
pub use webhook::{Answer, MockWebhook};

/// The moment at which a test's world begins: 2026-11-22T08:00:00Z, a Sunday.
pub const START: Timestamp = Timestamp::from_secs(1_795_334_400);

/// A fresh world for a test: a virtual clock at [`START`] and seeded randomness, and the same two as an [`Env`].
#[must_use]
pub fn env() -> (Env, Arc<VirtualClock>) {
    let clock = Arc::new(VirtualClock::at(START));
    (Env { clock: clock.clone(), entropy: Arc::new(SeededEntropy::new(404)) }, clock)
}
