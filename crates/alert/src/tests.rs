//! A world with a clock in the hand: signals go in, passes run, notifications are read back.

mod incoming;
mod lifecycle;
mod property;
mod reading;
mod timelines;
mod timing;
mod world;
