//! Decoders: bytes of a protocol in, a [`Batch`](watchkeeper_domain::telemetry::Batch) out.
//!
//! Not here: sockets, HTTP and gRPC (that is `server`), and keeping what was decoded (that is `store`). Every function is
//! pure. Sizes, counts and depths are checked against [`Limits`] before memory is taken for what a body declares.
//!
//! Flow: [`compression::decompress`] undoes the content encoding, then [`otlp`], [`remote_write`] or [`app_insights`] reads the message and
//! maps it to the data model that the rest of Watchkeeper shares. What a request holds beside what is usable is counted as
//! rejected and named; the usable part is kept.
#![warn(missing_docs)]

pub mod app_insights;
pub mod compression;
mod error;
pub mod exposition;
mod label;
mod limits;
mod native;
pub mod otlp;
mod refused;
pub mod remote_write;
pub mod syslog;
mod wire;

pub use compression::ContentEncoding;
pub use error::DecodeError;
pub use limits::Limits;
