//! Arithmetic operators on numbers.
//!
//! Not their matching of vectors.

/// An arithmetic operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
    Atan2,
}

impl Arithmetic {
    pub(crate) const ALL: [Self; 7] =
        [Self::Add, Self::Subtract, Self::Multiply, Self::Divide, Self::Modulo, Self::Power, Self::Atan2];

    pub(crate) fn sign(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
            Self::Power => "^",
            Self::Atan2 => "atan2",
        }
    }

    pub(crate) fn apply(self, lhs: f64, rhs: f64) -> f64 {
        match self {
            Self::Add => lhs + rhs,
            Self::Subtract => lhs - rhs,
            Self::Multiply => lhs * rhs,
            Self::Divide => lhs / rhs,
            // Truncated division's remainder, as in Go and in Rust.
            Self::Modulo => lhs % rhs,
            Self::Power => lhs.powf(rhs),
            Self::Atan2 => lhs.atan2(rhs),
        }
    }
}
