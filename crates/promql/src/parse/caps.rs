//! Caps on the text of an expression, checked before the parser sees it.
//!
//! Not a lexer: it only counts, and errs on the side of counting too much. The parser and its tree recurse, so a text
//! that nests or chains too deeply must not reach them.

use crate::error::ParseError;

/// The longest expression, in bytes.
const MAX_BYTES: usize = 64 * 1024;
/// The deepest nesting of brackets.
const MAX_NESTING: usize = 64;
/// The most operators and brackets.
const MAX_OPERATORS: usize = 2_000;

/// Refuses a text that is too large.
pub(super) fn check(text: &str) -> Result<(), ParseError> {
    if text.len() > MAX_BYTES {
        return Err(too_large(format!("it has {} bytes and {MAX_BYTES} are allowed", text.len())));
    }
    let (mut nesting, mut operators) = (0_usize, 0_usize);
    let mut quote: Option<char> = None;
    let mut word = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if quote.is_none() && (c.is_alphanumeric() || c == '_') {
            word.push(c.to_ascii_lowercase());
            continue;
        }
        operators += usize::from(matches!(word.as_str(), "and" | "or" | "unless" | "atan2"));
        word.clear();
        match (quote, c) {
            // Only in a raw string, between backticks, a backslash is nothing special.
            (Some('"' | '\''), '\\') => {
                chars.next();
            }
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, '#') => chars = skip_comment(chars),
            (None, '(' | '[' | '{') => {
                nesting += 1;
                operators += 1;
                if nesting > MAX_NESTING {
                    return Err(too_large(format!("brackets nest deeper than {MAX_NESTING}")));
                }
            }
            (None, ')' | ']' | '}') => nesting = nesting.saturating_sub(1),
            (None, '+' | '-' | '*' | '/' | '%' | '^' | '=' | '!' | '<' | '>') => operators += 1,
            (None, _) => {}
        }
    }
    if operators > MAX_OPERATORS {
        return Err(too_large(format!("it has more than {MAX_OPERATORS} operators and brackets")));
    }
    Ok(())
}

fn skip_comment(mut chars: std::str::Chars<'_>) -> std::str::Chars<'_> {
    let _ = chars.by_ref().find(|c| *c == '\n');
    chars
}

fn too_large(what: String) -> ParseError {
    ParseError::TooLarge { what }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deep_and_long_texts_are_refused_and_quoted_ones_are_not() {
        assert!(check(&"(".repeat(65)).is_err());
        assert!(check(&"-".repeat(3_000)).is_err());
        assert!(check(&"a or ".repeat(3_000)).is_err());
        assert!(check(&"x".repeat(MAX_BYTES + 1)).is_err());
        assert!(check(&format!("x{{a=\"{}\"}}", "(-".repeat(5_000))).is_ok());
        assert!(check(&format!("x # {}\n + 1", "(".repeat(100))).is_ok());
    }
}
