//! People being called, on a clock in the hand, with restarts at every point.

mod life;
mod watch;
mod world;
