//! The tests of the whole product in one binary: stories on the virtual clock, bad input, access, and the crash test.
//!
//! Not unit tests: those are beside what they test.

mod access;
mod bad_input;
mod crash;
mod stories;
