//! Response: telling people (`notify`), hearing them (`chatops`), drawing what they should see (`chart`).
//!
//! Not what is told or to whom: `alert` and `incident` write that into the outbox; this crate knows no rule.
//!
//! The cast: [`notify::Deliverer`] takes rows out of the outbox and gives them to [`notify::channel::Channel`]s; what
//! leaves by HTTP leaves through [`client::Client`]; a press of a button comes back through [`chatops::slack`].

pub mod chart;
pub mod chatops;
pub mod client;
pub mod notify;
pub mod phone;
pub mod workflow;
