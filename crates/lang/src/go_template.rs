//! Go's `text/template` as Prometheus rules use it in labels and annotations, with Prometheus's functions.
//!
//! Not all of Go's language: methods are those of times, `call` and `slice` do not exist, and files are not read. A
//! rendering is bounded in steps, in depth and in output. Queries are not run here: a rendering that needs an answer ends
//! with [`RenderError::Asks`], whoever renders fetches it, and renders anew.
//!
//! Meaning and notation of numbers follow Prometheus's `template/template.go` and Go's `fmt`.

mod eval;
mod format;
mod function;
mod humanize;
mod lex;
mod moment;
mod parse;
mod value;

use std::collections::BTreeMap;
use std::sync::Arc;

use watchkeeper_domain::{Labels, Timestamp};

/// The longest template, in bytes.
pub const MAX_TEMPLATE: usize = 64 * 1024;
/// The longest rendered text, in bytes.
pub const MAX_OUTPUT: usize = 64 * 1024;
/// The most parts of templates that one rendering may go through.
pub const MAX_STEPS: usize = 100_000;
/// How deep templates may call one another.
const MAX_CALLS: usize = 32;
/// The deepest nesting of blocks and parentheses.
const MAX_DEPTH: usize = 32;

/// A template that was parsed and checked: functions exist, variables are defined.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    parsed: parse::Parsed,
}

/// What templates know of the server that renders them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outside {
    /// `$externalLabels`
    pub labels: Labels,
    /// `$externalURL`
    pub url: String,
}

/// One element of a query's answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Its labels, the metric's name as `__name__` among them.
    pub labels: Labels,
    /// Its value.
    pub value: f64,
}

/// The answers to the queries of a template, by expression; an error is told where the query stands.
pub type Answers = BTreeMap<String, Result<Vec<Arc<Sample>>, String>>;

/// What a template is rendered for.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// `$labels`
    pub labels: &'a Labels,
    /// `$value`
    pub value: f64,
    /// `now`, and the moment of queries.
    pub at: Timestamp,
    /// `$externalLabels` and `$externalURL`
    pub outside: &'a Outside,
    /// What `query` gives.
    pub answers: &'a Answers,
}

/// Why a text is not a template that Watchkeeper runs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct TemplateError {
    /// Where, in bytes from the start of the text.
    pub offset: usize,
    /// What is wrong and what is accepted.
    pub reason: String,
}

/// Why a template could not be rendered for one alert.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The answer to this query is not at hand.
    #[error("the query `{0}` has no answer here")]
    Asks(String),
    /// A function got something that it cannot take.
    #[error("`{function}`: {reason}")]
    Function {
        /// Its name.
        function: &'static str,
        /// Why.
        reason: String,
    },
    /// There is no such field.
    #[error("`.{0}` is not known here; accepted: `.Labels`, `.Value`, `$labels`, `$value`")]
    Field(String),
    /// The text grew over its limit.
    #[error("the rendered text is over its limit of {MAX_OUTPUT} bytes")]
    Output,
    /// It went on for too long.
    #[error("the template is over its limit of {MAX_STEPS} steps; a loop in it is too long")]
    Steps,
    /// Templates call one another without end.
    #[error("templates call one another more than {MAX_CALLS} deep")]
    Calls,
}

impl Template {
    /// Parses and checks a template.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        if text.len() > MAX_TEMPLATE {
            return Err(TemplateError {
                offset: 0,
                reason: format!("the template is {} bytes long; the limit is {MAX_TEMPLATE}", text.len()),
            });
        }
        Ok(Self { parsed: parse::parse(text)? })
    }

    /// Whether it runs queries.
    #[must_use]
    pub fn asks(&self) -> bool {
        self.parsed.asks
    }

    /// Renders the template for one alert.
    pub fn render(&self, scope: &Scope<'_>) -> Result<String, RenderError> {
        eval::render(&self.parsed, scope, &value::Value::Root)
    }
}

#[cfg(test)]
mod tests;
