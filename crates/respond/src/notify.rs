//! The outbox's other end: claims what is due, sends it, and writes down what became of each attempt.
//!
//! Not routing and not wording: what is said and to whom was decided when the row was written; here it is only rendered.
//!
//! The flow of one notification: `pending` → claimed in one transaction (`sending`, an attempt row `started`, a ledger
//! entry) → the request leaves → one transaction with the outcome. Guarantees:
//! - The attempt is on disk before the first byte leaves, so nobody is told without a trace.
//! - Messages of one thread and integration leave in order, one after the other.
//! - A slow or broken destination takes its own few slots and delays nobody else.
//! - When nobody knows whether a message arrived (the connection broke, the process died, no answer in time), it is
//!   sent at most once more, with the same idempotency key, and the ledger says so.

pub mod backoff;
pub mod brief;
pub mod channel;
mod claim;
pub mod content;
pub mod context;
pub mod deliver;
pub mod destination;
pub mod direct;
pub mod email;
pub mod exec;
mod facts;
mod manners;
pub mod preview;
pub mod read;
mod record;
pub mod scrub;
pub mod service;
pub mod slack;
pub mod standing;
mod storm;
pub mod test_message;
pub mod watch;
pub mod webhook;
pub mod wording;

pub use channel::{Channel, Outgoing, SendResult};
pub use context::{Context, IncidentLink, WorkflowOffer};
pub use deliver::{Deliverer, Options, Settings};
pub use test_message::test;
