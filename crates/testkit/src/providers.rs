//! What the services that receivers speak to answer, as their documentation says: they take what is well formed and
//! refuse the rest in their own words.
//!
//! Not the services: nothing is kept but what [`MockWebhook`](crate::MockWebhook) records.

use serde_json::{Value, json};

use crate::webhook::{Answer, Recorded};

/// How a service answers a request.
pub type Provider = fn(&Recorded) -> Answer;

fn answer(status: u16, body: &Value) -> Answer {
    Answer::Status(status, body.to_string())
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn letters(value: &Value, pointer: &str) -> usize {
    text(value, pointer).chars().count()
}

/// PagerDuty's Events API v2.
#[must_use]
pub fn pagerduty(request: &Recorded) -> Answer {
    let event = request.json();
    let mut errors: Vec<&str> = Vec::new();
    let mut must = |holds: bool, error: &'static str| {
        if !holds {
            errors.push(error);
        }
    };
    let action = text(&event, "/event_action");
    must(request.method == "POST" && request.path == "/v2/enqueue", "no such path");
    must(letters(&event, "/routing_key") == 32, "Length of 'routing_key' is incorrect (should be 32 characters)");
    must(matches!(action, "trigger" | "acknowledge" | "resolve"), "'event_action' is invalid");
    must((1..=255).contains(&letters(&event, "/dedup_key")), "'dedup_key' is missing or too long");
    if action == "trigger" {
        must((1..=1_024).contains(&letters(&event, "/payload/summary")), "'payload.summary' is missing or too long");
        must(letters(&event, "/payload/source") > 0, "'payload.source' is missing or blank");
        let severity = text(&event, "/payload/severity");
        must(matches!(severity, "critical" | "error" | "warning" | "info"), "'payload.severity' is invalid");
        let links = event.get("links").and_then(Value::as_array).into_iter().flatten();
        must(links.clone().all(|link| text(link, "/href").starts_with("http")), "'links' has an invalid href");
    }
    if errors.is_empty() {
        let said = json!({"status": "success", "message": "Event processed", "dedup_key": event["dedup_key"]});
        return answer(202, &said);
    }
    answer(400, &json!({"status": "invalid event", "message": "Event object is invalid", "errors": errors}))
}

/// Opsgenie's Alert API: create, and close by alias.
#[must_use]
pub fn opsgenie(request: &Recorded) -> Answer {
    if request.header("authorization").is_none_or(|value| !value.starts_with("GenieKey ")) {
        return answer(401, &json!({"message": "You are not authorized to access this resource", "took": 0.0}));
    }
    let body = request.json();
    let closes = request.path.starts_with("/v2/alerts/") && request.path.ends_with("/close?identifierType=alias");
    let creates = request.path == "/v2/alerts";
    if !closes && !creates {
        return answer(404, &json!({"message": "No resource found", "took": 0.0}));
    }
    let priority = text(&body, "/priority");
    let responders = body.get("responders").and_then(Value::as_array).into_iter().flatten();
    let fine = closes
        || ((1..=130).contains(&letters(&body, "/message"))
            && letters(&body, "/alias") <= 512
            && letters(&body, "/description") <= 15_000
            && matches!(priority, "P1" | "P2" | "P3" | "P4" | "P5")
            && body["details"].as_object().is_none_or(|map| map.values().all(Value::is_string))
            && responders.clone().all(|r| !text(r, "/name").is_empty() && text(r, "/type") == "team"));
    if fine {
        answer(202, &json!({"result": "Request will be processed", "took": 0.1, "requestId": "43a29c5c-3dbf-4fa4"}))
    } else {
        answer(422, &json!({"message": "Request body is not processable. Please check the errors.", "took": 0.0}))
    }
}

/// A workflow of Microsoft Teams that posts a card.
#[must_use]
pub fn teams(request: &Recorded) -> Answer {
    let body = request.json();
    let card = body.pointer("/attachments/0/content").cloned().unwrap_or_default();
    let elements = card.get("body").and_then(Value::as_array).cloned().unwrap_or_default();
    let rich = |element: &Value| {
        text(element, "/type") == "RichTextBlock"
            && element["inlines"].as_array().is_some_and(|runs| {
                !runs.is_empty() && runs.iter().all(|run| text(run, "/type") == "TextRun" && run["text"].is_string())
            })
    };
    let actions = card.get("actions").and_then(Value::as_array).cloned().unwrap_or_default();
    let opens = |action: &Value| text(action, "/type") == "Action.OpenUrl" && text(action, "/url").starts_with("http");
    let fine = text(&body, "/type") == "message"
        && text(&body, "/attachments/0/contentType") == "application/vnd.microsoft.card.adaptive"
        && text(&card, "/type") == "AdaptiveCard"
        && text(&card, "/version") == "1.4"
        && !elements.is_empty()
        && elements.iter().all(rich)
        && actions.iter().all(opens);
    match fine {
        _ if request.body.len() > 28 << 10 => answer(413, &json!({"error": {"code": "RequestEntityTooLarge"}})),
        true => Answer::Status(202, String::new()),
        false => answer(400, &json!({"error": {"code": "TriggerInputSchemaMismatch", "message": "invalid card"}})),
    }
}

/// A Discord webhook.
#[must_use]
pub fn discord(request: &Recorded) -> Answer {
    let body = request.json();
    let embeds = body.get("embeds").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut all = 0;
    let mut fine = (1..=10).contains(&embeds.len());
    for embed in &embeds {
        let fields = embed.get("fields").and_then(Value::as_array).cloned().unwrap_or_default();
        fine &= letters(embed, "/title") <= 256 && letters(embed, "/description") <= 4_096 && fields.len() <= 25;
        fine &= embed["color"].as_u64().is_none_or(|colour| colour <= 0x00ff_ffff);
        for field in &fields {
            fine &= (1..=256).contains(&letters(field, "/name")) && (1..=1_024).contains(&letters(field, "/value"));
            all += letters(field, "/name") + letters(field, "/value");
        }
        all += letters(embed, "/title") + letters(embed, "/description");
    }
    if !fine || all > 6_000 {
        return answer(400, &json!({"message": "Invalid Form Body", "code": 50_035, "errors": {"embeds": {}}}));
    }
    if request.path.contains("wait=true") {
        answer(200, &json!({"id": "1159876543210"}))
    } else {
        Answer::Status(204, String::new())
    }
}

/// Telegram's `sendMessage`.
#[must_use]
pub fn telegram(request: &Recorded) -> Answer {
    let body = request.json();
    let refused = |description: &str| {
        answer(400, &json!({"ok": false, "error_code": 400, "description": format!("Bad Request: {description}")}))
    };
    if !request.path.starts_with("/bot") || !request.path.ends_with("/sendMessage") {
        return answer(404, &json!({"ok": false, "error_code": 404, "description": "Not Found"}));
    }
    if text(&body, "/chat_id").is_empty() {
        return refused("chat_id is empty");
    }
    let html = text(&body, "/text");
    let mut plain = String::new();
    let mut rest = html;
    let mut open: Vec<&str> = Vec::new();
    while let Some((before, after)) = rest.split_once('<') {
        plain.push_str(before);
        let Some((tag, after)) = after.split_once('>') else { return refused("can't parse entities: unclosed tag") };
        match tag.strip_prefix('/') {
            Some(name) if open.pop() == Some(name) => {}
            Some(_) => return refused("can't parse entities: unmatched end tag"),
            None => match tag.split(' ').next() {
                Some(name @ ("a" | "b")) => open.push(name),
                _ => return refused("can't parse entities: unsupported start tag"),
            },
        }
        rest = after;
    }
    plain.push_str(rest);
    if !open.is_empty() || plain.contains('>') {
        return refused("can't parse entities");
    }
    // What counts is the text as it is shown.
    let shown = plain.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
    match shown.trim().chars().count() {
        0 => refused("message text is empty"),
        4_097.. => refused("message is too long"),
        _ => answer(200, &json!({"ok": true, "result": {"message_id": 42, "chat": {"id": 1}}})),
    }
}

/// ntfy, published as JSON.
#[must_use]
pub fn ntfy(request: &Recorded) -> Answer {
    let body = request.json();
    let topic = text(&body, "/topic");
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if request.path != "/" || topic.is_empty() || topic.len() > 64 || !topic.chars().all(known) {
        return answer(400, &json!({"code": 40_009, "http": 400, "error": "invalid request: topic invalid"}));
    }
    if !body["priority"].as_u64().is_none_or(|priority| (1..=5).contains(&priority))
        || text(&body, "/message").len() > 4_096
    {
        return answer(400, &json!({"code": 40_024, "http": 400, "error": "invalid request: JSON invalid"}));
    }
    answer(200, &json!({"id": "wx6Zsb0fQ1", "event": "message", "topic": topic}))
}
