//! The notation for UTF-8: any name, quoted where it holds a character that means something, and strict about the rest.
//!
//! Not the classic notation, see [`super::classic`]. Quoted texts have Go's escapes, and must come out as UTF-8.
//! Source: Alertmanager's documentation of UTF-8 matchers, and its tests, which the corpus holds.

use super::{MatchOp, Matcher, MatcherError};

/// Characters that end a text without quotes.
pub(super) fn is_reserved(c: char) -> bool {
    c.is_whitespace() || matches!(c, '{' | '}' | '!' | '=' | '~' | ',' | '\\' | '"' | '\'' | '`')
}

pub(super) fn all(text: &str) -> Result<Vec<Matcher>, MatcherError> {
    let mut reader = Reader { text, at: 0 };
    let braces = reader.takes('{');
    let mut matchers = Vec::new();
    loop {
        // A comma may stand after the last matcher, and there may be none at all.
        let at_end = if braces { reader.takes('}') } else { reader.ended() };
        if at_end {
            break;
        }
        if braces && reader.ended() {
            return Err(reader.refuse("a closing brace is expected"));
        }
        matchers.push(reader.matcher()?);
        if reader.takes(',') {
            continue;
        }
        let closed = if braces { reader.takes('}') } else { reader.ended() };
        if closed {
            break;
        }
        let ended = reader.ended();
        return Err(reader.refuse(match (braces, ended) {
            (true, true) => "a closing brace is expected",
            (true, false) => "a comma or a closing brace is expected",
            (false, _) => "a comma is expected",
        }));
    }
    if reader.ended() { Ok(matchers) } else { Err(reader.refuse("nothing is expected here any more")) }
}

pub(super) fn one(text: &str) -> Result<Matcher, MatcherError> {
    let mut found = all(text)?;
    match (found.pop(), found.is_empty()) {
        (Some(matcher), true) => Ok(matcher),
        (Some(_), false) => Err(MatcherError::syntax(text, 0, "one matcher is expected, not several")),
        (None, _) => Err(MatcherError::syntax(text, 0, "a matcher is expected")),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn refuse(&self, reason: &str) -> MatcherError {
        MatcherError::syntax(self.text, self.at, reason)
    }

    fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn ended(&mut self) -> bool {
        self.skip_blanks();
        self.rest().is_empty()
    }

    fn takes(&mut self, wanted: char) -> bool {
        self.skip_blanks();
        let found = self.rest().starts_with(wanted);
        self.at += if found { wanted.len_utf8() } else { 0 };
        found
    }

    fn matcher(&mut self) -> Result<Matcher, MatcherError> {
        let name = self.word("a label's name is expected")?;
        if name.is_empty() {
            return Err(self.refuse("a label's name cannot be empty"));
        }
        self.skip_blanks();
        let signs =
            [("=~", MatchOp::Match), ("!~", MatchOp::NotMatch), ("!=", MatchOp::NotEqual), ("=", MatchOp::Equal)];
        let Some((sign, op)) = signs.into_iter().find(|(sign, _)| self.rest().starts_with(sign)) else {
            return Err(self.refuse("an operator is expected after the name"));
        };
        self.at += sign.len();
        let value = self.word("a value is expected after the operator")?;
        Matcher::of_alerts(name, op, value)
    }

    fn word(&mut self, expected: &str) -> Result<String, MatcherError> {
        self.skip_blanks();
        let rest = self.rest();
        if rest.starts_with('"') {
            let (value, length) = quoted(rest).map_err(|reason| self.refuse(reason))?;
            self.at += length;
            return Ok(value);
        }
        let length = rest.find(is_reserved).unwrap_or(rest.len());
        let (word, _) = rest.split_at(length);
        if word.is_empty() {
            return Err(self.refuse(expected));
        }
        self.at += length;
        Ok(word.to_owned())
    }
}

/// A text in double quotes at the beginning of `text`, with Go's escapes resolved, and its length with the quotes.
fn quoted(text: &str) -> Result<(String, usize), &'static str> {
    let mut bytes: Vec<u8> = Vec::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                let value = String::from_utf8(bytes).map_err(|_| "the quoted text is not UTF-8")?;
                return Ok((value, at + 1));
            }
            '\n' => return Err("a line feed in quotes is written `\\n`"),
            '\\' => escape(&mut chars, &mut bytes)?,
            c => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Err("the closing quote is missing")
}

fn escape(chars: &mut impl Iterator<Item = (usize, char)>, bytes: &mut Vec<u8>) -> Result<(), &'static str> {
    const UNKNOWN: &str = "the text in quotes holds an unknown escape; a backslash is written `\\\\`";
    let (_, c) = chars.next().ok_or("the closing quote is missing")?;
    let mut digits = |first: Option<char>, count: usize, radix: u32| {
        let rest = chars.take(count - usize::from(first.is_some())).map(|(_, c)| c);
        let number: String = first.into_iter().chain(rest).collect();
        let valid = number.chars().count() == count && number.chars().all(|c| c.is_digit(radix));
        if valid { u32::from_str_radix(&number, radix).map_err(|_| UNKNOWN) } else { Err(UNKNOWN) }
    };
    let simple = match c {
        'a' => 0x07,
        'b' => 0x08,
        'f' => 0x0c,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 0x0b,
        '\\' | '"' => u8::try_from(c).map_err(|_| UNKNOWN)?,
        'x' => u8::try_from(digits(None, 2, 16)?).map_err(|_| UNKNOWN)?,
        '0'..='7' => u8::try_from(digits(Some(c), 3, 8)?).map_err(|_| UNKNOWN)?,
        'u' | 'U' => {
            let code = digits(None, if c == 'u' { 4 } else { 8 }, 16)?;
            let c = char::from_u32(code).ok_or(UNKNOWN)?;
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            return Ok(());
        }
        _ => return Err(UNKNOWN),
    };
    bytes.push(simple);
    Ok(())
}
