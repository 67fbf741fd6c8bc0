//! From text to a checked tree: caps first, then the parser, then the conversion with our own checks.
//!
//! Not evaluation. The grammar is `promql-parser`'s; what it lets through against Prometheus is refused here.

mod caps;
mod convert;
mod durations;
mod hint;
mod locate;

use crate::ast::Node;
use crate::error::ParseError;

/// Parses and checks an expression.
pub(crate) fn parse(text: &str) -> Result<Node, ParseError> {
    caps::check(text)?;
    let shown = || text.chars().take(200).collect::<String>();
    durations::check(text)?;
    let tree =
        grammar(text).map_err(|reason| ParseError::Syntax { expr: shown(), reason: hint::explain(text, &reason) })?;
    let node = convert::convert(&tree, 0)?;
    if !text.to_ascii_lowercase().contains("inf") && node.any(&|n| matches!(n, Node::Number(v) if v.is_infinite())) {
        return Err(ParseError::Syntax {
            expr: shown(),
            reason: "a number is too large for a 64-bit float".to_owned(),
        });
    }
    Ok(node)
}

/// Asks the parser. It panics on some numbers that are out of range: `durations` keeps those that are known away from
/// it, and a panic on another one is an error in the expression and not in us.
fn grammar(text: &str) -> Result<promql_parser::parser::Expr, String> {
    std::panic::catch_unwind(|| promql_parser::parser::parse(text))
        .unwrap_or_else(|_| Err("the parser cannot cope with it; is a number out of range?".to_owned()))
}
