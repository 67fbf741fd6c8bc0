//! From text to a checked tree: caps first, then the parser, then the conversion with our own checks.
//!
//! Not evaluation. The grammar is `promql-parser`'s; what it lets through against Prometheus is refused here.

mod caps;
mod convert;
mod hint;
mod locate;

use crate::ast::Node;
use crate::error::ParseError;

/// Parses and checks an expression.
pub(crate) fn parse(text: &str) -> Result<Node, ParseError> {
    caps::check(text)?;
    let shown = || text.chars().take(200).collect::<String>();
    let tree = promql_parser::parser::parse(text)
        .map_err(|reason| ParseError::Syntax { expr: shown(), reason: hint::explain(text, &reason) })?;
    let node = convert::convert(&tree, 0)?;
    if !text.to_ascii_lowercase().contains("inf") && node.any(&|n| matches!(n, Node::Number(v) if v.is_infinite())) {
        return Err(ParseError::Syntax {
            expr: shown(),
            reason: "a number is too large for a 64-bit float".to_owned(),
        });
    }
    Ok(node)
}
