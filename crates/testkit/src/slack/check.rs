//! What Slack's incoming webhooks accept: the payload's shape and Block Kit's limits.
//!
//! Not every block of Slack's: those that an incoming webhook can post. Limits: Slack's reference for Block Kit and its
//! official SDKs; lengths are counted in characters.

use serde_json::Value;

/// Why a payload is refused, in the very words that Slack answers with.
pub type Refusal = &'static str;

const INVALID_BLOCKS: Refusal = "invalid_blocks";

/// Checks a whole payload.
pub fn payload(payload: &Value) -> Result<(), Refusal> {
    let object = payload.as_object().ok_or("invalid_payload")?;
    if let Some(blocks) = object.get("blocks") {
        self::blocks(blocks)?;
    }
    let attachments = match object.get("attachments") {
        None => &[][..],
        Some(Value::Array(list)) if list.len() > 100 => return Err("too_many_attachments"),
        Some(Value::Array(list)) => list.as_slice(),
        Some(_) => return Err("invalid_attachments"),
    };
    for attachment in attachments {
        if let Some(blocks) = attachment.get("blocks") {
            self::blocks(blocks)?;
        }
    }
    match object.get("text") {
        Some(Value::String(text)) if text.chars().count() > 40_000 => Err("msg_too_long"),
        Some(Value::String(text)) if !text.is_empty() => Ok(()),
        Some(Value::String(_)) | None => {
            let says_something = object.get("blocks").is_some_and(|b| b.as_array().is_some_and(|b| !b.is_empty()))
                || attachments
                    .iter()
                    .any(|a| a.get("blocks").is_some() || a.get("fallback").is_some() || a.get("text").is_some());
            if says_something { Ok(()) } else { Err("missing_text_or_fallback_or_attachments") }
        }
        Some(_) => Err("invalid_payload"),
    }
}

fn blocks(blocks: &Value) -> Result<(), Refusal> {
    let blocks = blocks.as_array().ok_or("invalid_blocks_format")?;
    check(blocks.len() <= 50)?;
    let mut ids = std::collections::BTreeSet::new();
    for block in blocks {
        if let Some(id) = block.get("block_id") {
            let id = id.as_str().filter(|id| id.chars().count() <= 255).ok_or(INVALID_BLOCKS)?;
            check(ids.insert(id))?;
        }
        self::block(block)?;
    }
    Ok(())
}

fn block(block: &Value) -> Result<(), Refusal> {
    match block.get("type").and_then(Value::as_str) {
        Some("header") => text(block.get("text"), 150, &["plain_text"]),
        Some("section") => section(block),
        Some("divider") => Ok(()),
        Some("image") => {
            image(block)?;
            block.get("title").map_or(Ok(()), |title| text(Some(title), 2_000, &["plain_text"]))
        }
        Some("context") => {
            let elements = list(block.get("elements"), 10)?;
            elements.iter().try_for_each(|element| match element.get("type").and_then(Value::as_str) {
                Some("image") => image(element),
                _ => text(Some(element), 3_000, &["mrkdwn", "plain_text"]),
            })
        }
        Some("actions") => {
            let elements = list(block.get("elements"), 25)?;
            let mut ids = std::collections::BTreeSet::new();
            elements.iter().try_for_each(|element| {
                interactive(element)?;
                element.get("action_id").map_or(Ok(()), |id| check(ids.insert(id.to_string())))
            })
        }
        Some("rich_text") => list(block.get("elements"), 1_000).map(|_| ()),
        _ => Err(INVALID_BLOCKS),
    }
}

fn section(block: &Value) -> Result<(), Refusal> {
    check(block.get("text").is_some() || block.get("fields").is_some())?;
    if let Some(shown) = block.get("text") {
        text(Some(shown), 3_000, &["mrkdwn", "plain_text"])?;
    }
    if let Some(fields) = block.get("fields") {
        for field in list(Some(fields), 10)? {
            text(Some(field), 2_000, &["mrkdwn", "plain_text"])?;
        }
    }
    match block.get("accessory") {
        None => Ok(()),
        Some(accessory) if accessory.get("type").and_then(Value::as_str) == Some("image") => image(accessory),
        Some(accessory) => interactive(accessory),
    }
}

fn image(image: &Value) -> Result<(), Refusal> {
    let url = short(image.get("image_url"), 3_000)?;
    check(url.starts_with("http://") || url.starts_with("https://"))?;
    short(image.get("alt_text"), 2_000).map(|_| ())
}

fn interactive(element: &Value) -> Result<(), Refusal> {
    match element.get("type").and_then(Value::as_str) {
        Some("button") => button(element),
        Some("users_select") => {
            element.get("placeholder").map_or(Ok(()), |shown| text(Some(shown), 150, &["plain_text"]))?;
            element.get("action_id").map_or(Ok(()), |id| short(Some(id), 255).map(|_| ()))
        }
        _ => Err(INVALID_BLOCKS),
    }
}

fn button(button: &Value) -> Result<(), Refusal> {
    text(button.get("text"), 75, &["plain_text"])?;
    for (name, most) in [("action_id", 255), ("value", 2_000), ("url", 3_000)] {
        if let Some(value) = button.get(name) {
            short(Some(value), most)?;
        }
    }
    if let Some(style) = button.get("style") {
        check(style == "primary" || style == "danger")?;
    }
    if let Some(confirm) = button.get("confirm") {
        text(confirm.get("title"), 100, &["plain_text"])?;
        text(confirm.get("text"), 300, &["mrkdwn", "plain_text"])?;
        text(confirm.get("confirm"), 30, &["plain_text"])?;
        text(confirm.get("deny"), 30, &["plain_text"])?;
    }
    Ok(())
}

fn text(object: Option<&Value>, most: usize, kinds: &[&str]) -> Result<(), Refusal> {
    let object = object.ok_or(INVALID_BLOCKS)?;
    let kind = object.get("type").and_then(Value::as_str).ok_or(INVALID_BLOCKS)?;
    check(kinds.contains(&kind))?;
    short(object.get("text"), most).map(|_| ())
}

fn short(value: Option<&Value>, most: usize) -> Result<&str, Refusal> {
    value.and_then(Value::as_str).filter(|t| !t.is_empty() && t.chars().count() <= most).ok_or(INVALID_BLOCKS)
}

fn list(value: Option<&Value>, most: usize) -> Result<&[Value], Refusal> {
    let list = value.and_then(Value::as_array).ok_or(INVALID_BLOCKS)?;
    check(!list.is_empty() && list.len() <= most)?;
    Ok(list)
}

fn check(holds: bool) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(INVALID_BLOCKS) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_slack_accepts_passes_and_each_limit_is_enforced_one_past_it() {
        let long = |n: usize| "x".repeat(n);
        let header = |n| json!({"blocks": [{"type": "header", "text": {"type": "plain_text", "text": long(n)}}]});
        assert_eq!(payload(&header(150)), Ok(()));
        assert_eq!(payload(&header(151)), Err(INVALID_BLOCKS));
        let section = |n| json!({"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": long(n)}}]});
        assert_eq!(payload(&section(3_000)), Ok(()));
        assert_eq!(payload(&section(3_001)), Err(INVALID_BLOCKS));
        let fields = |n, size| {
            let field = json!({"type": "mrkdwn", "text": long(size)});
            json!({"blocks": [{"type": "section", "fields": vec![field; n]}]})
        };
        assert_eq!(payload(&fields(10, 2_000)), Ok(()));
        assert_eq!(payload(&fields(11, 1)), Err(INVALID_BLOCKS));
        assert_eq!(payload(&fields(1, 2_001)), Err(INVALID_BLOCKS));
        let many = |n| json!({"blocks": vec![json!({"type": "divider"}); n]});
        assert_eq!(payload(&many(50)), Ok(()));
        assert_eq!(payload(&many(51)), Err(INVALID_BLOCKS));
        let button = |label, value| {
            let text = json!({"type": "plain_text", "text": long(label)});
            json!({"blocks": [{"type": "actions", "elements": [{"type": "button", "text": text, "value": long(value)}]}]})
        };
        assert_eq!(payload(&button(75, 2_000)), Ok(()));
        assert_eq!(payload(&button(76, 1)), Err(INVALID_BLOCKS));
        assert_eq!(payload(&button(1, 2_001)), Err(INVALID_BLOCKS));
        let people = |placeholder| {
            let placeholder = json!({"type": "plain_text", "text": long(placeholder)});
            json!({"blocks": [{"type": "actions", "elements": [{"type": "users_select", "placeholder": placeholder}]}]})
        };
        assert_eq!(payload(&people(150)), Ok(()));
        assert_eq!(payload(&people(151)), Err(INVALID_BLOCKS));
    }

    #[test]
    fn a_payload_that_says_nothing_or_is_no_object_is_refused_in_slacks_words() {
        assert_eq!(payload(&json!([])), Err("invalid_payload"));
        assert_eq!(payload(&json!({})), Err("missing_text_or_fallback_or_attachments"));
        assert_eq!(payload(&json!({"blocks": {}})), Err("invalid_blocks_format"));
        assert_eq!(payload(&json!({"text": "x", "blocks": [{"type": "video"}]})), Err(INVALID_BLOCKS));
    }
}
