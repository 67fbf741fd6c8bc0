//! The part of Go's `text/template` that Prometheus rules use in labels and annotations.
//!
//! Not all of Go's language: `range`, `define`, `template`, and the functions that run queries (`query`, `first`, …) are
//! refused by name when the rule is loaded, not when the alert fires. Without loops a template's cost is bounded by its
//! own size, which is capped, as is its output.
//!
//! Meaning and notation of numbers follow Prometheus's `template/template.go` and Go's `fmt`.

mod eval;
mod format;
mod function;
mod humanize;
mod lex;
mod parse;
mod value;

use watchkeeper_domain::Labels;

/// The longest template, in bytes.
pub const MAX_TEMPLATE: usize = 64 * 1024;
/// The longest rendered text, in bytes.
pub const MAX_OUTPUT: usize = 64 * 1024;
/// The deepest nesting of blocks and parentheses.
const MAX_DEPTH: usize = 32;

/// A template that was parsed and checked: functions exist, variables are defined.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    nodes: Vec<parse::Node>,
}

/// What templates know of the server that renders them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outside {
    /// `$externalLabels`
    pub labels: Labels,
    /// `$externalURL`
    pub url: String,
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
        Ok(Self { nodes: parse::parse(text)? })
    }

    /// Renders the template for one alert: its labels and the value of its expression.
    pub fn render(&self, labels: &Labels, value: f64) -> Result<String, RenderError> {
        self.render_from(labels, value, &Outside::default())
    }

    /// As [`render`](Self::render), with what `$externalLabels` and `$externalURL` stand for.
    pub fn render_from(&self, labels: &Labels, value: f64, outside: &Outside) -> Result<String, RenderError> {
        eval::render(&self.nodes, labels, value, outside)
    }
}

#[cfg(test)]
mod tests;
