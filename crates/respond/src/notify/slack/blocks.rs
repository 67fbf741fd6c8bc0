//! Blocks of Slack's Block Kit, cut to Slack's limits, and the encoding of other people's text.
//!
//! Not what a message says: that is `message`. Lengths are counted in characters, as Slack does.

use serde_json::{Value, json};
use url::Url;

/// The most blocks of a message.
pub const MOST_BLOCKS: usize = 50;
/// The most fields of a section.
pub const MOST_FIELDS: usize = 10;
const MOST_BUTTONS: usize = 25;
const HEADER: usize = 150;
const SECTION: usize = 3_000;
const FIELD: usize = 2_000;
const BUTTON: usize = 75;
const PLACEHOLDER: usize = 150;
/// The most characters of a button's value.
pub const VALUE: usize = 2_000;
const URL: usize = 3_000;

/// Text that is shown as it is in mrkdwn: `&`, `<` and `>` are encoded, so it can neither link nor mention.
/// Ends with `…` where it had to be cut; never in the middle of an encoded character.
#[must_use]
pub fn escape(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(most));
    let mut length = 0;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let encoded = match letter {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            _ => "",
        };
        let size = encoded.len().max(1);
        let room = most - usize::from(letters.peek().is_some());
        if length + size > room {
            out.push('…');
            return out;
        }
        if encoded.is_empty() {
            out.push(letter)
        } else {
            out.push_str(encoded)
        }
        length += size;
    }
    out
}

/// The same on one line.
#[must_use]
pub fn line(text: &str, most: usize) -> String {
    // One more than fits, so that `escape` sees that something was cut; a label may be a megabyte.
    let one: String = text.chars().take(most + 1).map(|c| if c.is_control() { ' ' } else { c }).collect();
    escape(&one, most)
}

/// Cuts text that is not encoded any more (plain text, or mrkdwn that was put together from encoded parts).
#[must_use]
pub fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most - 1).collect();
    // Do not leave half an entity or half a link behind.
    if let Some(at) = short.rfind(['&', '<'])
        && !short.get(at..).is_some_and(|tail| tail.contains([';', '>']))
    {
        short.truncate(at);
    }
    short.push('…');
    short
}

/// `<url|label>`, if the URL is one that may be clicked (`http:`, `https:`).
#[must_use]
pub fn link(url: &str, label: &str) -> Option<String> {
    let url = clickable(url)?;
    Some(format!("<{url}|{}>", line(label, 200).replace('|', "¦")))
}

/// The URL, normalised so that nothing in it can end a link or an attribute; none for other schemes (`javascript:`).
#[must_use]
pub fn clickable(url: &str) -> Option<String> {
    let url = Url::parse(url.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())?;
    let encoded: String = url
        .as_str()
        .chars()
        .map(|c| match c {
            '|' => "%7C".to_owned(),
            '<' => "%3C".to_owned(),
            '>' => "%3E".to_owned(),
            '"' => "%22".to_owned(),
            '\'' => "%27".to_owned(),
            c => c.to_string(),
        })
        .collect();
    (encoded.len() <= 2_000).then_some(encoded)
}

/// Plain text on one line. Slack does not read links in it, but others who get the same payload may: the brackets
/// that make one are replaced by their lookalikes, which cannot show up as `&lt;` either.
fn plain(text: &str, most: usize) -> String {
    let letter = |c: char| match c {
        '<' => '‹',
        '>' => '›',
        c if c.is_control() => ' ',
        c => c,
    };
    // Only what may be shown is looked at: a label may be a megabyte.
    let text: String = text.chars().take(most + 1).map(letter).collect();
    if text.trim().is_empty() { "…".to_owned() } else { cut(&text, most) }
}

/// A header; plain text.
#[must_use]
pub fn header(text: &str) -> Value {
    json!({"type": "header", "text": {"type": "plain_text", "text": plain(text, HEADER), "emoji": true}})
}

/// A section of mrkdwn.
#[must_use]
pub fn section(mrkdwn: &str) -> Value {
    json!({"type": "section", "text": {"type": "mrkdwn", "text": cut(mrkdwn, SECTION)}})
}

/// A section of titled fields; values are encoded already.
#[must_use]
pub fn fields(fields: &[(&str, String)]) -> Value {
    let fields: Vec<Value> = fields
        .iter()
        .take(MOST_FIELDS)
        .map(|(title, value)| json!({"type": "mrkdwn", "text": cut(&format!("*{title}*\n{value}"), FIELD)}))
        .collect();
    json!({"type": "section", "fields": fields})
}

/// An image by URL.
#[must_use]
pub fn image(url: &str, alt: &str) -> Option<Value> {
    (url.len() <= URL).then(|| json!({"type": "image", "image_url": url, "alt_text": plain(alt, 2_000)}))
}

/// Small print.
#[must_use]
pub fn context(parts: &[String]) -> Value {
    let elements: Vec<Value> =
        parts.iter().take(10).map(|part| json!({"type": "mrkdwn", "text": cut(part, SECTION)})).collect();
    json!({"type": "context", "elements": elements})
}

/// A row of buttons and menus.
#[must_use]
pub fn actions(block_id: &str, elements: Vec<Value>) -> Value {
    let elements: Vec<Value> = elements.into_iter().take(MOST_BUTTONS).collect();
    json!({"type": "actions", "block_id": block_id, "elements": elements})
}

/// A button. `style`: `primary`, `danger` or nothing.
#[must_use]
pub fn button(label: &str, action_id: &str, value: &str, style: Option<&str>) -> Value {
    let mut button = json!({
        "type": "button",
        "text": {"type": "plain_text", "text": plain(label, BUTTON), "emoji": true},
        "action_id": action_id,
        "value": value,
    });
    if let Some(style) = style {
        button["style"] = json!(style);
    }
    button
}

/// A menu of the workspace's people.
#[must_use]
pub fn people(placeholder: &str, action_id: &str) -> Value {
    json!({
        "type": "users_select",
        "placeholder": {"type": "plain_text", "text": plain(placeholder, PLACEHOLDER), "emoji": true},
        "action_id": action_id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_text_is_cut_between_characters_and_says_so() {
        assert_eq!(escape("a<b>&c", 100), "a&lt;b&gt;&amp;c");
        assert_eq!(escape("<<<<", 9), "&lt;&lt;…");
        assert_eq!(escape("abcd", 4), "abcd");
        assert_eq!(escape("abcde", 4), "abc…");
        assert_eq!(cut("ab &amp; cd", 7), "ab …");
        assert_eq!(cut("see <https://a.example/x|there>", 20), "see …");
    }

    #[test]
    fn only_web_addresses_become_links_and_none_can_break_out() {
        assert_eq!(link("javascript:alert(1)", "x"), None);
        assert_eq!(link("data:text/html,x", "x"), None);
        assert_eq!(link("//host/path", "x"), None);
        let made = link("https://a.example/x|y>z<!channel>", "<!here>|label").unwrap_or_default();
        assert_eq!(made, "<https://a.example/x%7Cy%3Ez%3C!channel%3E|&lt;!here&gt;¦label>");
    }
}
