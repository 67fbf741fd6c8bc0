//! Why a body was refused as a whole. A body that is usable in part is not an error: the rest is counted as rejected.

use watchkeeper_domain::{Code, Problem};

/// Why nothing of a body could be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes are not what the content type says.
    #[error("{what} cannot be read: {reason}")]
    Malformed {
        /// The message that was expected.
        what: &'static str,
        /// What is wrong and where.
        reason: String,
    },
    /// Over a size, count or depth limit.
    #[error("{what} is over the limit of {limit}; send smaller batches, or raise the limit on the server")]
    TooLarge {
        /// What there was too much of.
        what: String,
        /// The limit with its unit.
        limit: String,
    },
    /// The content type is not accepted here.
    #[error("the content type `{given}` is not accepted; send {accepted}")]
    UnsupportedMediaType {
        /// What was given, cut to 100 characters.
        given: String,
        /// What is accepted.
        accepted: &'static str,
    },
    /// The content encoding is not accepted here.
    #[error("the content encoding `{given}` is not accepted; send {accepted}")]
    UnsupportedEncoding {
        /// What was given, cut to 100 characters.
        given: String,
        /// What is accepted.
        accepted: &'static str,
    },
}

impl DecodeError {
    /// The problem code, which also says the HTTP status.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Malformed { .. } => Code::MalformedBody,
            Self::TooLarge { .. } => Code::BodyTooLarge,
            Self::UnsupportedMediaType { .. } => Code::UnsupportedMediaType,
            Self::UnsupportedEncoding { .. } => Code::UnsupportedEncoding,
        }
    }
}

impl From<DecodeError> for Problem {
    fn from(error: DecodeError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

/// The beginning of a text that a client sent, for an error message.
pub(crate) fn cut(text: &str) -> String {
    text.chars().take(100).collect()
}
