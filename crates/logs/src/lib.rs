//! Logs of what has no SDK: syslog over TCP and UDP, and files that are read as they grow.
//!
//! Not the forms of messages (`ingest::syslog`), and not keeping records (`store`, behind `TelemetrySink`).
//!
//! What is read is appended before more is read: when the store is full or its disk refuses, a TCP sender is held up and
//! a file waits. Only UDP loses, as it always may.
#![warn(missing_docs)]

mod keep;
pub mod syslog;
pub mod tail;
