//! Time and randomness as things that are handed in, so that a test can run weeks in milliseconds and repeat a run.
//!
//! Not the implementations: the system clock lives in `server`, the virtual one in `testkit`.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::time::Timestamp;

/// Where "now" comes from.
pub trait Clock: Send + Sync {
    /// The wall clock.
    fn now(&self) -> Timestamp;
    /// Time since an arbitrary start; never goes back. For measuring how long something took.
    fn monotonic(&self) -> Duration;
    /// Completes when the wall clock reaches `deadline`.
    fn sleep_until(&self, deadline: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// Where randomness comes from (jitter, ids, tokens).
pub trait Entropy: Send + Sync {
    /// Fills the buffer with random bytes, good enough for tokens.
    fn fill(&self, bytes: &mut [u8]);
}

/// The clock and the randomness that a component was given. Cloning copies two pointers.
#[derive(Clone)]
pub struct Env {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The randomness.
    pub entropy: Arc<dyn Entropy>,
}

impl Env {
    /// The wall clock's now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A uniformly distributed number in `[0, 1)`.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit an f64 exactly")]
    pub fn random_unit(&self) -> f64 {
        let mut bytes = [0_u8; 8];
        self.entropy.fill(&mut bytes);
        (u64::from_le_bytes(bytes) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A fresh UUID v7.
    #[must_use]
    pub fn uuid_v7(&self) -> Uuid {
        let mut random = [0_u8; 10];
        self.entropy.fill(&mut random);
        let millis = u64::try_from(self.now().as_millis()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}
