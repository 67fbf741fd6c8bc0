//! Hearing people: what they press or type in chat becomes the same commands that the HTTP API has.
//!
//! Not the commands' execution: the server does that, with the roles and the ledger that every caller has.

pub mod command;
pub mod slack;

pub use command::Command;
