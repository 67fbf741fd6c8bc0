//! Literals: numbers, durations and quoted texts, read as Go and Prometheus read them.
//!
//! Not expressions of durations: those are in `length`.

/// Go's longest duration, which is Prometheus's: 2^63 nanoseconds, in seconds.
pub(super) const MAX_SECONDS: f64 = 9_223_372_036.854_775;

/// The units of a duration in the order in which they must come, with their sizes in milliseconds.
const UNITS: [(&str, u64); 7] = [
    ("y", 31_536_000_000),
    ("w", 604_800_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// The length of the number or duration that a text starts with, and whether it is a duration; else how much was looked at.
pub(super) fn scan(text: &str) -> Result<(usize, bool), usize> {
    let bytes = text.as_bytes();
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
    let word = |c: u8| c.is_ascii_alphanumeric() || c == b'_';
    let mut at = 0;
    if byte(0) == b'0' && matches!(byte(1), b'x' | b'X') {
        at = 2;
        while byte(at).is_ascii_hexdigit() || byte(at) == b'_' {
            at += 1;
        }
        return if at > 2 && !word(byte(at)) { Ok((at, false)) } else { Err(at.max(1)) };
    }
    let digits = |mut at: usize| {
        while byte(at).is_ascii_digit() || (byte(at) == b'_' && byte(at + 1).is_ascii_digit()) {
            at += 1;
        }
        at
    };
    let whole = digits(at);
    at = whole;
    if byte(at) == b'.' {
        at = digits(at + 1);
        if byte(at) == b'.' {
            return Err(at + 1);
        }
    }
    if matches!(byte(at), b'e' | b'E') {
        let sign = usize::from(matches!(byte(at + 1), b'+' | b'-'));
        let end = digits(at + 1 + sign);
        if end == at + 1 + sign {
            return Err(end);
        }
        at = end;
    }
    if !word(byte(at)) {
        return Ok((at, false));
    }
    // A unit follows: whole numbers with units, the first of any unit, later ones without years.
    let mut at = whole;
    let mut units: &[u8] = b"smhdwy";
    loop {
        if !units.contains(&byte(at)) {
            return Err((at + 1).min(text.len()));
        }
        at += 1 + usize::from(byte(at + 1) == b's');
        units = b"smhdw";
        if !byte(at).is_ascii_digit() {
            break;
        }
        while byte(at).is_ascii_digit() {
            at += 1;
        }
        if !units.contains(&byte(at)) {
            return Err(at);
        }
    }
    if word(byte(at)) { Err(at + 1) } else { Ok((at, true)) }
}

/// Reads a number as Go does: decimal, hexadecimal, octal with a leading zero; underscores between digits.
pub(super) fn number(text: &str) -> Result<f64, String> {
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    let whole = if let Some(hex) = plain.strip_prefix("0x").or_else(|| plain.strip_prefix("0X")) {
        Some(i64::from_str_radix(hex, 16).map_err(|e| format!("error parsing number: {e}"))?)
    } else if plain.len() > 1 && plain.starts_with('0') {
        i64::from_str_radix(&plain, 8).ok()
    } else {
        None
    };
    if let Some(whole) = whole {
        return Ok(whole as f64);
    }
    match plain.parse::<f64>() {
        Ok(v) if v.is_finite() => Ok(v),
        Ok(_) => Err(format!("error parsing number: {text:?} is out of the range of a 64-bit float")),
        Err(e) => Err(format!("error parsing number: {e}")),
    }
}

/// Reads a duration such as `1h30m` into seconds.
pub(super) fn duration(text: &str) -> Result<f64, String> {
    let (mut rest, mut next_unit, mut total) = (text, 0, 0_u64);
    let invalid = || format!("not a valid duration string: {text:?}");
    let range = || "duration out of range".to_owned();
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(invalid)?;
        let (count, after) = rest.split_at(end);
        let unit_end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let place = UNITS.iter().position(|(name, _)| *name == unit);
        let place = place.ok_or_else(|| format!("unknown unit {unit:?} in duration {text:?}"))?;
        if place < next_unit {
            return Err(invalid());
        }
        next_unit = place + 1;
        let size = UNITS.get(place).map_or(0, |(_, size)| *size);
        let part = count.parse::<u64>().ok().and_then(|count| count.checked_mul(size)).ok_or_else(range)?;
        total = total.checked_add(part).ok_or_else(range)?;
        rest = after;
    }
    let seconds = total as f64 / 1000.0;
    if seconds > MAX_SECONDS { Err(range()) } else { Ok(seconds) }
}

/// Reads the quoted text that a text starts with, and its length. Escapes are Go's; bytes that are no UTF-8 become the
/// replacement character, since no label can hold them.
pub(super) fn quoted(text: &str) -> Result<(String, usize), String> {
    let mut chars = text.char_indices();
    let Some((_, quote)) = chars.next() else { return Err("no text".to_owned()) };
    if quote == '`' {
        let end = text.get(1..).and_then(|rest| rest.find('`')).ok_or("unterminated raw string")?;
        return Ok((text.get(1..=end).unwrap_or("").to_owned(), end + 2));
    }
    let mut out: Vec<u8> = Vec::new();
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => return Ok((String::from_utf8_lossy(&out).into_owned(), at + c.len_utf8())),
            '\n' => return Err("unterminated quoted string".to_owned()),
            '\\' => escape(&mut chars, quote, &mut out)?,
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Err("unterminated quoted string".to_owned())
}

fn escape(chars: &mut std::str::CharIndices<'_>, quote: char, out: &mut Vec<u8>) -> Result<(), String> {
    let open = || "escape sequence not terminated".to_owned();
    let (_, c) = chars.next().ok_or_else(open)?;
    let simple = match c {
        'a' => Some(0x07),
        'b' => Some(0x08),
        'f' => Some(0x0c),
        'n' => Some(b'\n'),
        'r' => Some(b'\r'),
        't' => Some(b'\t'),
        'v' => Some(0x0b),
        '\\' => Some(b'\\'),
        c if c == quote => Some(quote as u8),
        _ => None,
    };
    if let Some(byte) = simple {
        out.push(byte);
        return Ok(());
    }
    let (base, count, first) = match c {
        '0'..='7' => (8, 2, c.to_digit(8)),
        'x' => (16, 2, None),
        'u' => (16, 4, None),
        'U' => (16, 8, None),
        other => return Err(format!("unknown escape sequence U+{:04X} {other:?}", u32::from(other))),
    };
    let mut code = first.unwrap_or(0);
    for _ in 0..count {
        let (_, digit) = chars.next().ok_or_else(open)?;
        let value = digit
            .to_digit(base)
            .ok_or_else(|| format!("illegal character U+{:04X} {digit:?} in escape sequence", u32::from(digit)))?;
        code = code.wrapping_mul(base).wrapping_add(value);
    }
    if matches!(c, 'u' | 'U') {
        let c = char::from_u32(code).ok_or("escape sequence is an invalid Unicode code point")?;
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    } else {
        out.push(u8::try_from(code).map_err(|_| "escape sequence is no byte".to_owned())?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_go_reads_them() {
        assert_eq!(number("0755"), Ok(493.0));
        assert_eq!(number("089"), Ok(89.0));
        assert_eq!(number("0x_1F"), Ok(31.0));
        assert_eq!(number("1_000.5"), Ok(1000.5));
        assert!(number("1e999").is_err());
    }

    #[test]
    fn tokens_end_where_the_number_ends() {
        assert_eq!(scan("5m]"), Ok((2, true)));
        assert_eq!(scan("1h30m + 1"), Ok((5, true)));
        assert_eq!(scan("1.5e-3*2"), Ok((6, false)));
        assert_eq!(scan("100..4"), Err(5));
        assert_eq!(scan("5m1"), Err(3));
        assert!(scan("0deadbeef").is_err());
        assert!(scan("1.5m").is_err());
    }

    #[test]
    fn the_units_of_durations_come_in_order_and_once() {
        assert_eq!(duration("1d2h3m4s5ms"), Ok(93_784.005));
        assert!(duration("5m1h").is_err());
        assert!(duration("5m1m").is_err());
        assert!(duration("5hs").is_err());
        assert!(duration("999y").is_err());
        assert!(duration("18446744073709551615y").is_err());
    }

    #[test]
    fn escapes_are_resolved_and_wrong_ones_are_told() {
        assert_eq!(quoted(r#""a\n\x41\101\u00e9" rest"#), Ok(("a\nAA\u{e9}".to_owned(), 19)));
        assert_eq!(quoted(r"'it\'s'"), Ok(("it's".to_owned(), 7)));
        assert_eq!(quoted(r"`\n`"), Ok((r"\n".to_owned(), 4)));
        assert!(quoted(r#""\c""#).is_err());
        assert!(quoted(r#""open"#).is_err());
        assert!(quoted("`open").is_err());
    }
}
