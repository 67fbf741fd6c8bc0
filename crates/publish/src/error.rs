//! Why something could not be published.
//!
//! Not rendering: a page that was read is always rendered.

use watchkeeper_domain::{Code, Problem};
use watchkeeper_state::StateError;

/// Why it could not.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such incident, or one that the public must not know of.
    #[error("there is no incident `{0}` that can be published; it needs a component, and a restricted one never is")]
    NotFound(String),
    /// The text cannot be used.
    #[error("{0}")]
    Invalid(String),
    /// A template failed.
    #[error("the status page cannot be rendered: {0}")]
    Render(#[from] askama::Error),
    /// The state database.
    #[error(transparent)]
    State(#[from] StateError),
}

impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        let code = match error {
            Error::NotFound(_) => Code::NotFound,
            Error::Invalid(_) => Code::InvalidParameter,
            Error::Render(_) => Code::Internal,
            Error::State(_) => Code::StateUnavailable,
        };
        Self::new(code, error.to_string())
    }
}
