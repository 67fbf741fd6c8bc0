//! Stories on the virtual clock: the whole application in process, with mock peers.
//!
//! Not the HTTP listeners' own behaviour and not the processes' life: see `bad_input` and `crash`.

mod backtest;
mod cost;
mod delivery;
mod healing;
mod inputs;
mod oncall;
mod people;
mod restart;
mod rules;
mod security;
mod seed;
mod self_watch;
mod silence;
mod telling;
mod unknown;
pub mod world;
