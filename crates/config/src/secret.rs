//! A secret value: resolved from a reference, never shown.
//!
//! Not a place where secrets are kept: files hold references (`${env:NAME}`, `${file:PATH}`), and a literal is refused.

use secrecy::{ExposeSecret, SecretString};

/// A secret with the reference that it came from. `Debug` and `Display` show the reference only; there is no `Serialize`.
#[derive(Clone)]
pub struct Secret {
    reference: String,
    value: SecretString,
}

impl Secret {
    /// Wraps a resolved value; `reference` is what people may see, for example `${env:SLACK_WEBHOOK_URL}`.
    pub fn new(reference: impl Into<String>, value: impl Into<String>) -> Self {
        Self { reference: reference.into(), value: SecretString::from(value.into()) }
    }
    /// The value itself. Use it where it leaves for its destination and nowhere else.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.value.expose_secret()
    }
    /// Where it came from.
    #[must_use]
    pub fn reference(&self) -> &str {
        &self.reference
    }
}

/// Whether what is named so is a credential, going by the name: of a header, of a parameter.
#[must_use]
pub fn looks_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["authorization", "cookie", "api-key", "apikey", "api_key", "token", "secret", "password"]
        .iter()
        .any(|w| name.contains(w))
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secret({})", self.reference)
    }
}
