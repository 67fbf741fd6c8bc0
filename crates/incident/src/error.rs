//! Why a command or a question about incidents was refused.
//!
//! Not the reconciler's errors: those are the state database's.

use watchkeeper_domain::{Code, Problem};
use watchkeeper_state::StateError;

use crate::lifecycle::Conflict;

/// Why it was refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such object, or one that the asker must not know of.
    #[error("there is no {what} `{id}`; list them to see what there is")]
    NotFound {
        /// `incident`, `post-mortem` or `action item`.
        what: &'static str,
        /// The id asked for.
        id: String,
    },
    /// What was given cannot be used.
    #[error("{0}")]
    Invalid(String),
    /// It does not fit the incident's state.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// An alert cannot be taken in.
    #[error("alert `{alert}` already belongs to incident `{incident}`; an alert belongs to one incident")]
    AlertTaken {
        /// The alert.
        alert: String,
        /// Its incident.
        incident: String,
    },
    /// The state database.
    #[error(transparent)]
    State(#[from] StateError),
}

impl From<watchkeeper_alert::Error> for Error {
    fn from(error: watchkeeper_alert::Error) -> Self {
        match error {
            watchkeeper_alert::Error::NotFound { what, id } => Self::NotFound { what, id },
            watchkeeper_alert::Error::State(error) => Self::State(error),
            other => Self::Invalid(other.to_string()),
        }
    }
}

impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        let code = match error {
            Error::NotFound { .. } => Code::NotFound,
            Error::Invalid(_) => Code::InvalidParameter,
            Error::Conflict(_) | Error::AlertTaken { .. } => Code::Conflict,
            Error::State(_) => Code::StateUnavailable,
        };
        Self::new(code, error.to_string())
    }
}
