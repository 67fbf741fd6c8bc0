//! On-call: who answers at a given moment, and where nobody would.
//!
//! The cast: a [`rotation`] says when one person takes over from the next, by the clock on the wall; [`restriction`]s say
//! at which hours a layer counts; a [`timetable`] folds the layers of a schedule and the overrides that people made into
//! the one answer for every moment, and finds the gaps.
//!
//! All of that is arithmetic on configuration: no clock, no database. Around it: [`OnCall`] is what people use, and
//! [`OnCallWatch`] notices hand-offs and warns before nobody is on call. Not here: calling anybody ([`crate::escalation`]).

pub mod civil;
pub mod command;
pub mod ical;
pub mod read;
pub mod restriction;
pub mod rotation;
pub mod settings;
pub mod store;
pub mod timetable;
pub mod watch;

pub use command::{NewOverride, OnCall};
pub use settings::Settings;
pub use watch::OnCallWatch;

pub use timetable::{Override, Shift, Stretch, Timetable, timetable, who};

#[cfg(test)]
mod tests;
