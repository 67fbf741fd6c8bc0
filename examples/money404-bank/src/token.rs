//! Bearer tokens: kept out of `Debug`, compared in constant time. Not the customers' sessions (see `front::session`).

use std::fmt;

use http::{HeaderMap, header};
use subtle::ConstantTimeEq;

/// A secret that a caller must show.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// A token, or nothing when `text` is empty: an empty variable in the environment must not open a door.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        (!text.trim().is_empty()).then(|| Self(text.trim().to_owned()))
    }

    /// 256 random bits.
    #[must_use]
    pub fn random() -> Self {
        Self(hex::encode(rand::random::<[u8; 32]>()))
    }

    /// The text, for the one place that puts it on the wire.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether the request carries this token as `Authorization: Bearer …`.
    #[must_use]
    pub fn is_shown_in(&self, headers: &HeaderMap) -> bool {
        shown(headers).is_some_and(|given| given.as_bytes().ct_eq(self.0.as_bytes()).into())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// For `clap`: refuses the empty token with a sentence.
///
/// # Errors
/// When the text is empty.
pub fn parse(text: &str) -> Result<Token, String> {
    Token::new(text).ok_or_else(|| "a token must not be empty".to_owned())
}

/// The bearer token that a request shows, if any.
#[must_use]
pub fn shown(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())])
    }

    #[test]
    fn only_the_same_token_opens_and_debug_does_not_tell_it() {
        let token = Token::new("s3cret").unwrap();
        assert!(token.is_shown_in(&with("Bearer s3cret")));
        assert!(token.is_shown_in(&with("bearer s3cret")));
        assert!(!token.is_shown_in(&with("Bearer s3cre")));
        assert!(!token.is_shown_in(&with("Basic s3cret")));
        assert!(!token.is_shown_in(&HeaderMap::new()));
        assert!(!format!("{token:?}").contains("s3cret"));
        assert!(Token::new("  ").is_none());
    }
}
