//! Problems that people meet, each with a code, a title and a page (`docs/errors/WK….md`).
//!
//! Not an error type for code to match on: crates have their own; this is what they become at the edge,
//! as RFC 9457 JSON over HTTP and as text on the command line.

use serde::Serialize;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $status:literal, $title:literal;)*) => {
        /// A problem code. Every code has a page in `docs/errors`; `cargo xtask tidy` checks both directions.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $name),* }

        impl Code {
            /// All codes, in order.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
            /// The code as shown: `WK1001`.
            #[must_use]
            pub fn as_str(self) -> &'static str { match self { $(Self::$name => $code),* } }
            /// The HTTP status that goes with it.
            #[must_use]
            pub fn status(self) -> u16 { match self { $(Self::$name => $status),* } }
            /// A short title that does not change from case to case.
            #[must_use]
            pub fn title(self) -> &'static str { match self { $(Self::$name => $title),* } }
        }
    };
}

codes! {
    /// The body could not be decoded.
    MalformedBody = "WK1001", 400, "The request body is malformed";
    /// The body, or what it decompresses to, is over the limit.
    BodyTooLarge = "WK1002", 413, "The request body is too large";
    /// The content type is not accepted here.
    UnsupportedMediaType = "WK1003", 415, "The content type is not accepted";
    /// The content encoding is not accepted here.
    UnsupportedEncoding = "WK1004", 415, "The content encoding is not accepted";
    /// The telemetry pipeline is full; try again.
    Overloaded = "WK1005", 429, "Too much at once; try again later";
    /// The disk does not take writes.
    StorageUnavailable = "WK1006", 503, "The telemetry log cannot be written";
    /// A parameter has an unusable value.
    InvalidParameter = "WK2001", 400, "A parameter is not usable";
    /// A query does not parse or cannot be evaluated.
    InvalidQuery = "WK2002", 400, "The query cannot be evaluated";
    /// No such object.
    NotFound = "WK2003", 404, "There is no such object";
    /// The action does not fit the object's state.
    Conflict = "WK2004", 409, "The action does not fit the present state";
    /// A credential is missing or wrong.
    Unauthenticated = "WK2005", 401, "A valid credential is needed";
    /// The credential does not allow this.
    Forbidden = "WK2006", 403, "This needs another role";
    /// The method is not offered at this path.
    MethodNotAllowed = "WK2007", 405, "The method is not offered here";
    /// The query ran past its limits.
    QueryLimit = "WK2008", 422, "The query exceeds its limits";
    /// A request signature is missing, wrong or too old.
    BadSignature = "WK2009", 401, "The request signature is not valid";
    /// Configuration does not parse.
    ConfigSyntax = "WK3001", 400, "The configuration is not valid YAML";
    /// A key that is not known.
    ConfigUnknownKey = "WK3002", 400, "The configuration has an unknown key";
    /// A value that is not accepted.
    ConfigInvalidValue = "WK3003", 400, "The configuration has a value that is not accepted";
    /// A secret stands in a file.
    ConfigLiteralSecret = "WK3004", 400, "A secret is written into the configuration";
    /// A referenced secret or variable does not exist.
    ConfigMissingSecret = "WK3005", 400, "A secret that the configuration refers to is not set";
    /// Two things have one name.
    ConfigDuplicate = "WK3006", 400, "Two objects have the same name";
    /// A name refers to nothing.
    ConfigUnknownReference = "WK3007", 400, "A name refers to nothing";
    /// A rule's expression does not parse.
    RuleExpression = "WK3008", 400, "A rule's expression is not valid";
    /// A file cannot be read.
    ConfigUnreadable = "WK3009", 400, "A configuration file cannot be read";
    /// Listening wider than loopback needs authentication.
    InsecureListen = "WK3010", 400, "Listening beyond this machine needs authentication";
    /// Something of another tool's file has no counterpart here.
    NotCarriedOver = "WK3011", 400, "Something of the other tool's configuration is not carried over";
    /// The state database cannot be used.
    StateUnavailable = "WK5001", 503, "The state database cannot be used";
    /// Something unexpected.
    Internal = "WK5000", 500, "Something went wrong inside Watchkeeper";
}

/// A problem as RFC 9457 tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where the page of the code is.
    #[serde(rename = "type")]
    pub kind: String,
    /// The code's title.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What happened to which object, and what to do.
    pub detail: String,
    /// The code itself.
    pub code: &'static str,
}

impl Problem {
    /// A problem with its detail. Never put a secret or a stack trace into the detail.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("/docs/errors/{}", code.as_str()),
            title: code.title(),
            status: code.status(),
            detail: detail.into(),
            code: code.as_str(),
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.code, self.title, self.detail)
    }
}

impl std::error::Error for Problem {}
