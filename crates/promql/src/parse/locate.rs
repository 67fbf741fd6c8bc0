//! Finds where an expression goes wrong, since the parser says only that it does.
//!
//! Not a parser: it asks the parser which beginnings of the text can be completed to an expression. Whether a beginning
//! can be is monotonic, so the first that cannot is found by halving. Costs some hundred parses, after an error only.

/// What the parser says where it has nothing to say.
const BARE: &str = "invalid promql query";

/// Longer texts are not searched.
const MAX_TOKENS: usize = 1_000;

/// What may follow a beginning, and what may follow its closed brackets.
const MIDDLES: [&str; 8] = ["", " x", " 1", " (x)", " (x) (x)", " 5m", " \"s\"", "=\"s\""];
const TAILS: [&str; 3] = ["", " (x)", " x"];

/// Says what is unexpected and where; nothing where the parser has a reason of its own.
pub(super) fn locate(text: &str, reason: &str) -> Option<String> {
    let found = tokens(text);
    if reason != BARE || found.len() > MAX_TOKENS {
        return None;
    }
    let viable = found.partition_point(|(_, end)| text.get(..*end).is_some_and(completes));
    let Some((start, end)) = found.get(viable).copied() else {
        return Some("it ends too early".to_owned());
    };
    let before = text.get(..start)?;
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
    Some(format!("unexpected `{}` in line {line}, column {column}", text.get(start..end)?))
}

/// Whether something can be added to a beginning that makes it grammatical.
fn completes(beginning: &str) -> bool {
    let closers = closers(beginning);
    MIDDLES.iter().any(|middle| {
        TAILS.iter().any(|tail| {
            let candidate = format!("{beginning}{middle}{closers}{tail}");
            match super::grammar(&candidate) {
                Ok(_) => true,
                // Wrong types and the like: the grammar was fine. What the lexer says tells nothing.
                Err(reason) => {
                    reason.starts_with("expected type")
                        || reason.contains("must")
                        || reason.contains("number of arguments")
                }
            }
        })
    })
}

/// The brackets that close what is open.
fn closers(text: &str) -> String {
    let mut open = Vec::new();
    for (start, end) in tokens(text) {
        match text.get(start..end) {
            Some("(") => open.push(')'),
            Some("[") => open.push(']'),
            Some("{") => open.push('}'),
            Some(")" | "]" | "}") => {
                open.pop();
            }
            _ => {}
        }
    }
    open.iter().rev().collect()
}

/// Where tokens start and end, in bytes: words, quoted texts, operators, single signs.
pub(super) fn tokens(text: &str) -> Vec<(usize, usize)> {
    let mut tokens: Vec<(usize, usize)> = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some((start, c)) = chars.next() {
        let mut end = start + c.len_utf8();
        let mut eat = |fits: &dyn Fn(char) -> bool| {
            while let Some((at, c)) = chars.next_if(|(_, c)| fits(*c)) {
                end = at + c.len_utf8();
            }
        };
        match c {
            c if c.is_whitespace() => continue,
            '#' => {
                eat(&|c| c != '\n');
                continue;
            }
            c if is_word(c) => eat(&is_word),
            '=' | '!' | '<' | '>' => eat(&|c| matches!(c, '=' | '~')),
            '"' | '\'' | '`' => {
                let mut escaped = false;
                for (at, next) in chars.by_ref() {
                    end = at + next.len_utf8();
                    if next == c && !escaped {
                        break;
                    }
                    escaped = next == '\\' && !escaped && c != '`';
                }
            }
            _ => {}
        }
        tokens.push((start, end));
    }
    tokens
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | ':' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        let reason = promql_parser::parser::parse(text).expect_err(text);
        locate(text, &reason).unwrap_or(reason)
    }

    #[test]
    fn the_first_token_that_fits_nowhere_is_named() {
        assert_eq!(told("a b"), "unexpected `b` in line 1, column 3");
        assert_eq!(told("sum by job (a)"), "unexpected `job` in line 1, column 8");
        assert_eq!(told("a > > 1"), "unexpected `>` in line 1, column 5");
        assert_eq!(told("rate(a{b=\"c d\"}[5m])\n  > 0.5 an b"), "unexpected `an` in line 2, column 9");
    }

    #[test]
    fn an_expression_that_stops_short_is_said_to() {
        assert_eq!(told("a == "), "it ends too early");
        assert_eq!(told("sum by (x)"), "it ends too early");
    }
}
