//! Money404 Bank: a small bank of real processes, with real telemetry and real faults, for Watchkeeper to watch.
//! It is not part of Watchkeeper and would run without it: of the product's crates it links the test kit alone, for the
//! stand-in for Slack (subcommand `slack`).
//!
//! `front` serves customers, `accounts` and `payments` share one SQLite file, `secrets` stands in for the key
//! vault, `driver` plays the customers, and `up` (module [`supervisor`]) runs them all as child processes.
//! Telemetry leaves each process as OTLP/HTTP; nothing else is shared with whoever watches.

pub mod accounts;
pub mod control_client;
pub mod customers;
pub mod database;
pub mod driver;
pub mod fault;
pub mod front;
pub mod leash;
pub mod options;
pub mod password;
pub mod payments;
pub mod peer;
pub mod problem;
pub mod secrets;
pub mod serve;
pub mod supervisor;
pub mod telemetry;
pub mod token;
pub mod wire;
