//! The tests of the whole product in one binary: stories on the virtual clock, bad input, access,
//! other people's programs that send, and the crash test.
//!
//! Not unit tests: those are beside what they test.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    unreachable_pub,
    reason = "tests fail by panicking, print what they skip, and share helpers between their modules"
)]

mod access;
mod alertmanager;
mod app_insights;
mod bad_input;
mod command_line;
mod crash;
mod explore;
mod histograms;
mod incoming;
mod mail;
mod phone;
mod readers;
mod scraping;
mod senders;
mod stories;
mod tls;
