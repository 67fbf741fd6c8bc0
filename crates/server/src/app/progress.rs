//! When each stage of the background work last came to the end of a look.
//!
//! Not what it did: the supervisor counts that. A stage that hangs, fails or is never called stands still here.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use watchkeeper_domain::Timestamp;

/// The last completed look of each stage.
#[derive(Debug, Default)]
pub struct Progress(Mutex<BTreeMap<&'static str, Timestamp>>);

impl Progress {
    /// A stage came to the end of a look, or is there to begin with.
    pub fn completed(&self, stage: &'static str, at: Timestamp) {
        self.0.lock().insert(stage, at);
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> BTreeMap<&'static str, Timestamp> {
        self.0.lock().clone()
    }
}
