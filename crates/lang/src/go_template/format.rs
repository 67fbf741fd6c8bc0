//! Numbers and `printf` as Go's `fmt` writes them.
//!
//! Not all verbs: `%s %v %d %f %e %g %q %t %x %%` with flags, width and precision, all capped.
#![expect(clippy::string_slice, reason = "offsets come from searches in the same text, or follow ASCII")]

use super::value::Value;

/// The widest field and the finest precision that `printf` takes.
const MAX_WIDTH: usize = 256;

/// Go's `%g`: with `precision` significant digits, or the shortest text that reads back.
pub(super) fn general(value: f64, precision: Option<usize>) -> String {
    if let Some(text) = special(value) {
        return text;
    }
    let precision = precision.map(|p| p.max(1));
    let scientific = match precision {
        Some(p) => format!("{:.*e}", p - 1, value),
        None => format!("{value:e}"),
    };
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let negative = mantissa.starts_with('-');
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_end_matches('0');
    let digits = if digits.is_empty() { "0" } else { digits };
    let (count, point) = (i32::try_from(digits.len()).unwrap_or(i32::MAX), exponent + 1);
    let limit = match precision.map(|p| i32::try_from(p).unwrap_or(i32::MAX)) {
        // strconv's `eprec`: the shortest form switches to an exponent at a million.
        None => 6,
        Some(p) if p > count && count >= point => count,
        Some(p) => p,
    };
    let body = if exponent < -4 || exponent >= limit {
        let (head, tail) = digits.split_at(1);
        let dot = if tail.is_empty() { "" } else { "." };
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{head}{dot}{tail}e{sign}{:02}", exponent.abs())
    } else if point <= 0 {
        format!("0.{}{digits}", "0".repeat(usize::try_from(-point).unwrap_or(0)))
    } else {
        let whole = usize::try_from(point).unwrap_or(0);
        if digits.len() <= whole {
            format!("{digits}{}", "0".repeat(whole - digits.len()))
        } else {
            format!("{}.{}", &digits[..whole], &digits[whole..])
        }
    };
    if negative { format!("-{body}") } else { body }
}

fn special(value: f64) -> Option<String> {
    if value.is_nan() {
        Some("NaN".to_owned())
    } else if value.is_infinite() {
        Some(if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned())
    } else {
        None
    }
}

/// Go's `strconv.ParseFloat`, as far as labels hold such texts.
pub(super) fn parse_float(text: &str) -> Option<f64> {
    // Rust takes the same decimal forms and `inf`, `infinity`, `nan` in any case.
    text.parse().ok()
}

struct Spec {
    minus: bool,
    plus: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
    verb: char,
}

/// Go's `fmt.Sprintf`.
pub(super) fn printf(pattern: &str, args: &[Value]) -> Result<String, String> {
    let mut out = String::new();
    let mut args_left = args.iter();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let spec = spec(&mut chars)?;
        if spec.verb == '%' {
            out.push('%');
            continue;
        }
        let Some(value) = args_left.next() else {
            return Err(format!("`{pattern}` has more verbs than arguments"));
        };
        let body = verb(&spec, value)?;
        super::function::within(&out)?;
        let length = body.chars().count();
        let pad = spec.width.saturating_sub(length);
        if spec.minus {
            out.push_str(&body);
            out.push_str(&" ".repeat(pad));
        } else if spec.zero && matches!(value, Value::Int(_) | Value::Float(_)) {
            let digits = body.trim_start_matches(['-', '+']);
            out.push_str(&body[..body.len() - digits.len()]);
            out.push_str(&"0".repeat(pad));
            out.push_str(digits);
        } else {
            out.push_str(&" ".repeat(pad));
            out.push_str(&body);
        }
    }
    if args_left.next().is_some() {
        return Err(format!("`{pattern}` has fewer verbs than arguments"));
    }
    Ok(out)
}

fn spec(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Spec, String> {
    let mut spec = Spec { minus: false, plus: false, zero: false, width: 0, precision: None, verb: '%' };
    while let Some(flag) = chars.next_if(|c| matches!(c, '-' | '+' | '0' | ' ' | '#')) {
        match flag {
            '-' => spec.minus = true,
            '+' => spec.plus = true,
            '0' => spec.zero = true,
            other => return Err(format!("the flag `{other}` is not supported")),
        }
    }
    let digits = |chars: &mut std::iter::Peekable<std::str::Chars<'_>>| {
        let mut number = 0_usize;
        while let Some(digit) = chars.next_if(char::is_ascii_digit).and_then(|c| c.to_digit(10)) {
            number = number.saturating_mul(10).saturating_add(digit as usize);
        }
        if number > MAX_WIDTH { Err(format!("widths and precisions over {MAX_WIDTH} are refused")) } else { Ok(number) }
    };
    spec.width = digits(chars)?;
    if chars.next_if_eq(&'.').is_some() {
        spec.precision = Some(digits(chars)?);
    }
    spec.verb = chars.next().ok_or("the pattern ends after `%`")?;
    Ok(spec)
}

fn verb(spec: &Spec, value: &Value) -> Result<String, String> {
    let wrong =
        || format!("`%{}` does not take {}; accepted verbs: %s %v %d %f %e %g %q %t %x %%", spec.verb, value.kind());
    let signed = |text: String, negative: bool| if spec.plus && !negative { format!("+{text}") } else { text };
    Ok(match (spec.verb, value) {
        ('v', Value::Float(f)) | ('g', Value::Float(f)) => signed(general(*f, spec.precision), *f < 0.0),
        ('f' | 'F', Value::Float(f)) => {
            signed(special(*f).unwrap_or_else(|| format!("{:.*}", spec.precision.unwrap_or(6), f)), *f < 0.0)
        }
        ('e', Value::Float(f)) => special(*f).unwrap_or_else(|| {
            let text = format!("{:.*e}", spec.precision.unwrap_or(6), f);
            match text.split_once('e') {
                Some((m, e)) => {
                    let e: i32 = e.parse().unwrap_or(0);
                    format!("{m}e{}{:02}", if e < 0 { '-' } else { '+' }, e.abs())
                }
                None => text,
            }
        }),
        ('d' | 'v', Value::Int(i)) => signed(i.to_string(), *i < 0),
        ('x', Value::Int(i)) => format!("{i:x}"),
        ('t' | 'v', Value::Bool(b)) => b.to_string(),
        ('q', Value::Text(t)) => format!("{t:?}"),
        ('s' | 'v', Value::Text(t)) => match spec.precision {
            Some(most) => t.chars().take(most).collect(),
            None => t.clone(),
        },
        ('s' | 'v', v) if !matches!(v, Value::Bool(_) | Value::Int(_) | Value::Float(_)) => v.text(),
        _ => return Err(wrong()),
    })
}
