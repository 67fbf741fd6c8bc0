//! Says more than "invalid" about expressions that Prometheus takes with a feature flag, and we do not.
//!
//! Not a parser: it guesses from words outside of quotes, and only after the parser has refused.

use super::locate::locate;

/// The parser's reason, or a better one.
pub(super) fn explain(text: &str, reason: &str) -> String {
    let bare = without_quotes(text);
    let has_word = |word: &str| bare.split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == word);
    let feature = if has_word("anchored") || has_word("smoothed") {
        Some("the range modifiers `anchored` and `smoothed` are")
    } else if bare.contains("</") || bare.contains(">/") {
        Some("native histograms, and so their trimming operators `</` and `>/`, are")
    } else if reason.contains("inside brackets") && brackets_compute(&bare) {
        Some("arithmetic in durations is")
    } else {
        None
    };
    match feature {
        Some(feature) => format!("{feature} not supported"),
        None => locate(text, reason).unwrap_or_else(|| reason.to_owned()),
    }
}

/// The text with what stands in quotes left out.
fn without_quotes(text: &str) -> String {
    let mut quote = None;
    let mut chars = text.chars();
    let mut out = String::with_capacity(text.len());
    while let Some(c) = chars.next() {
        match quote {
            Some('"' | '\'') if c == '\\' => {
                chars.next();
            }
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'' | '`') => quote = Some(c),
            None => out.push(c),
        }
    }
    out
}

fn brackets_compute(text: &str) -> bool {
    let inside = text.split('[').skip(1).filter_map(|after| after.split(']').next());
    inside.into_iter().any(|range| range.contains(['+', '-', '*', '/', '^', '(']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_behind_flags_are_named_and_quoted_words_are_not() {
        assert!(explain("rate(x[5m] anchored)", "invalid").contains("anchored"));
        assert!(explain("h </ 2", "invalid").contains("native histograms"));
        assert!(explain("x[5m+1m]", "unexpected character inside brackets: '+'").contains("durations"));
        assert_eq!(explain("x{a=\"smoothed </ b\"", "invalid"), "invalid");
    }
}
