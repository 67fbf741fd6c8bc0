//! `deg` and `rad`, with Prometheus's order of operations.
//!
//! The other trigonometric functions are the standard library's.

use std::f64::consts::PI;

pub(super) fn degrees(v: f64) -> f64 {
    v * 180.0 / PI
}

pub(super) fn radians(v: f64) -> f64 {
    v * PI / 180.0
}
