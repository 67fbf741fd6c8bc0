//! Why a command or a question about alerts and silences was refused.
//!
//! Not the reconciler's errors: those are the state database's.

use watchkeeper_domain::{Code, Problem};
use watchkeeper_state::StateError;

/// Why it was refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such object.
    #[error("there is no {what} `{id}`; list them to see what there is")]
    NotFound {
        /// `alert` or `silence`.
        what: &'static str,
        /// The id asked for.
        id: String,
    },
    /// What was given cannot be used.
    #[error("{0}")]
    Invalid(String),
    /// It does not fit the present state.
    #[error("{0}")]
    Conflict(String),
    /// The state database.
    #[error(transparent)]
    State(#[from] StateError),
}

impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        let code = match error {
            Error::NotFound { .. } => Code::NotFound,
            Error::Invalid(_) => Code::InvalidParameter,
            Error::Conflict(_) => Code::Conflict,
            Error::State(_) => Code::StateUnavailable,
        };
        Self::new(code, error.to_string())
    }
}
