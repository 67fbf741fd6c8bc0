//! RFC 5424, from behind the version on.
//!
//! Not strict where senders are not: a header field that is longer than it may be is taken as it is.

use super::{MOST_ATTRIBUTES, MOST_NAME, MOST_VALUE, Parts, nanoseconds};

/// `TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA [MSG]`. None: it is something else.
pub(super) fn parse(text: &str) -> Option<Parts<'_>> {
    let (time, rest) = text.split_once(' ')?;
    let (host, rest) = rest.split_once(' ')?;
    let (app, rest) = rest.split_once(' ')?;
    let (process, rest) = rest.split_once(' ')?;
    let (message_id, rest) = rest.split_once(' ').unwrap_or((rest, "-"));
    let given = |text| if text == "-" { "" } else { text };
    let at_ns = match given(time) {
        "" => None,
        time => Some(nanoseconds(time)?),
    };
    let (data, body) = structured(rest)?;
    // The mark of UTF-8 is not part of the message.
    let body = body.strip_prefix('\u{feff}').unwrap_or(body);
    Some(Parts {
        at_ns,
        host: given(host),
        app: given(app),
        process: given(process),
        message_id: given(message_id),
        data,
        body,
    })
}

/// Structured data as attributes `syslog.sd.ID.NAME`, and the message behind it.
fn structured(text: &str) -> Option<(Vec<(String, String)>, &str)> {
    if let Some(rest) = text.strip_prefix('-') {
        return Some((Vec::new(), rest.strip_prefix(' ').unwrap_or(rest)));
    }
    let (mut rest, mut found) = (text, Vec::new());
    if !rest.starts_with('[') {
        return None;
    }
    while let Some(element) = rest.strip_prefix('[') {
        let end = element.find([' ', ']'])?;
        let (id, mut inner) = element.split_at_checked(end)?;
        loop {
            inner = inner.trim_start_matches(' ');
            if let Some(behind) = inner.strip_prefix(']') {
                rest = behind;
                break;
            }
            let (name, quoted) = inner.split_once("=\"")?;
            let (value, behind) = value(quoted)?;
            if found.len() < MOST_ATTRIBUTES && name.len() + id.len() <= MOST_NAME {
                found.push((format!("syslog.sd.{id}.{name}"), value));
            }
            inner = behind;
        }
    }
    Some((found, rest.strip_prefix(' ').unwrap_or(rest)))
}

/// A value up to its quotation mark; `"`, `\` and `]` are escaped by `\`, and before anything else it stands for itself.
fn value(text: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((out, text.get(at + 1..)?)),
            '\\' => match letters.next()?.1 {
                escaped @ ('"' | '\\' | ']') => push(&mut out, escaped),
                other => {
                    push(&mut out, '\\');
                    push(&mut out, other);
                }
            },
            other => push(&mut out, other),
        }
    }
    None
}

fn push(out: &mut String, letter: char) {
    if out.len() < MOST_VALUE {
        out.push(letter);
    }
}
