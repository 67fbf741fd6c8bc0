//! On-call: who answers at a given moment, and where nobody would.
//!
//! The cast: a [`rotation`] says when one person takes over from the next, by the clock on the wall; [`restriction`]s say
//! at which hours a layer counts; a [`timetable`] folds the layers of a schedule and the overrides that people made into
//! the one answer for every moment, and finds the gaps.
//!
//! All of this is arithmetic on configuration: no clock, no database. Not here: calling anybody.

pub mod civil;
pub mod restriction;
pub mod rotation;
pub mod timetable;

pub use timetable::{Override, Shift, Stretch, Timetable, timetable, who};

#[cfg(test)]
mod tests;
