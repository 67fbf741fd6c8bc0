//! The binary's library: the application as a value, its HTTP surface, its console and its command line.
//!
//! Not the product's logic: that lives in the crates below; this one wires them and speaks to the outside.

pub mod app;
pub mod cli;
pub mod clock;
pub mod explain;
pub mod http;
pub mod supervisor;
pub mod tls;
pub mod watchman;
