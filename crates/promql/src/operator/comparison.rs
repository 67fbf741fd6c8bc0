//! Comparison operators on numbers.
//!
//! Not their matching of vectors, nor the filtering: `operator` decides what a verdict does.

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComparisonOp {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `>`
    Greater,
    /// `<`
    Less,
    /// `>=`
    GreaterOrEqual,
    /// `<=`
    LessOrEqual,
}

impl ComparisonOp {
    pub(crate) const ALL: [Self; 6] =
        [Self::Equal, Self::NotEqual, Self::Greater, Self::Less, Self::GreaterOrEqual, Self::LessOrEqual];

    /// The operator as PromQL writes it.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Greater => ">",
            Self::Less => "<",
            Self::GreaterOrEqual => ">=",
            Self::LessOrEqual => "<=",
        }
    }

    /// Whether the comparison holds. Nothing but `!=` holds for NaN.
    #[must_use]
    #[expect(clippy::float_cmp, reason = "PromQL's == and != compare exactly")]
    pub fn holds(self, lhs: f64, rhs: f64) -> bool {
        match self {
            Self::Equal => lhs == rhs,
            Self::NotEqual => lhs != rhs,
            Self::Greater => lhs > rhs,
            Self::Less => lhs < rhs,
            Self::GreaterOrEqual => lhs >= rhs,
            Self::LessOrEqual => lhs <= rhs,
        }
    }

    /// The operator that says the same with its operands exchanged.
    #[must_use]
    pub fn mirrored(self) -> Self {
        match self {
            Self::Greater => Self::Less,
            Self::Less => Self::Greater,
            Self::GreaterOrEqual => Self::LessOrEqual,
            Self::LessOrEqual => Self::GreaterOrEqual,
            same => same,
        }
    }
}
