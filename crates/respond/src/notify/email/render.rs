//! One notification as a mail: subject, text, HTML, the chart as an inline picture.
//!
//! Not the sending. Labels, annotations and titles are other people's text: in HTML they are encoded, in headers they
//! lose their control characters, and links are made of web addresses only.

use std::fmt::Write as _;

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use sha2::{Digest, Sha256};
use watchkeeper_domain::Timestamp;

use crate::notify::channel::Outgoing;
use crate::notify::content::{Alert, Alerts, Content, Incident, Text, capital, length};
use crate::notify::slack::blocks::clickable;

/// More alerts than these are counted, not listed.
const MOST_LISTED: usize = 50;
const CHART: &str = "chart@watchkeeper";

/// The whole mail. The error is for people who configure.
///
/// `Message-ID` is made of the notification's id, so each attempt carries the same one and a client that got it twice
/// shows it once. `References` is made of the thread, so what belongs together is shown together.
pub fn mail(
    message: &Outgoing,
    from: &str,
    to: &[String],
    external_url: &str,
    now: Timestamp,
) -> Result<lettre::Message, String> {
    let parse = |text: &str| text.parse::<Mailbox>().map_err(|e| format!("`{text}` is not an e-mail address: {e}"));
    let from = parse(from)?;
    let domain = from.email.domain().to_owned();
    let digest = hex::encode(Sha256::digest(format!("{}\n{}", message.receiver, message.thread)));
    let conversation = format!("<thread.{}@{domain}>", digest.get(..24).unwrap_or(&digest));
    let since_epoch = std::time::Duration::from_micros(u64::try_from(now.as_micros()).unwrap_or(0));
    let mut builder = lettre::Message::builder()
        .from(from)
        .subject(subject(message))
        .date(std::time::UNIX_EPOCH + since_epoch)
        .message_id(Some(format!("<{}@{domain}>", message.id)))
        .in_reply_to(conversation.clone())
        .references(conversation);
    for address in to {
        builder = builder.to(parse(address)?);
    }
    for (name, value) in [("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "All")] {
        builder = builder.raw_header(HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned()));
    }
    let picture = message.chart.as_ref().map(crate::chart::Chart::png).filter(|png| !png.is_empty());
    let page = html(message, external_url, picture.is_some());
    let text = SinglePart::plain(text(message, external_url));
    let body = match picture {
        None => MultiPart::alternative().singlepart(text).singlepart(SinglePart::html(page)),
        Some(png) => {
            let kind = ContentType::parse("image/png").map_err(|e| format!("image/png is no content type: {e}"))?;
            let chart = Attachment::new_inline(CHART.to_owned()).body(png, kind);
            let related = MultiPart::related().singlepart(SinglePart::html(page)).singlepart(chart);
            MultiPart::alternative().singlepart(text).multipart(related)
        }
    };
    builder.multipart(body).map_err(|e| format!("the mail cannot be put together: {e}"))
}

/// Subject and text, for people to look at.
#[must_use]
pub fn preview(message: &Outgoing, external_url: &str) -> String {
    format!("Subject: {}\n\n{}", subject(message), text(message, external_url))
}

fn subject(message: &Outgoing) -> String {
    let title = message.wording.subject.clone().unwrap_or_else(|| message.title());
    let title = if title.is_empty() { "Message from Watchkeeper".to_owned() } else { title };
    title.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect()
}

/// Rows of a fact table: name, value, link.
type Facts = Vec<(&'static str, String, Option<String>)>;

fn facts(alert: &Alert, now: Timestamp) -> Facts {
    let mut facts: Facts = Vec::new();
    facts.extend(alert.measured().map(|measured| ("Value", measured, None)));
    facts.push(("Priority", format!("{} · {}", capital(alert.priority.as_str()), alert.category), None));
    facts.push(("Since", alert.started_at.to_string(), None));
    facts.push((if alert.status == "resolved" { "Lasted" } else { "For" }, length(alert.lasted(now)), None));
    let annotation = |name: &str| alert.annotations.get(name).cloned();
    facts.extend(annotation("impact").map(|text| ("Impact", text, None)));
    facts.extend(alert.acknowledged_by.clone().map(|who| ("Acknowledged by", who, None)));
    facts.extend(annotation("runbook_url").map(|url| ("Runbook", url.clone(), clickable(&url))));
    let labels: Vec<String> = alert.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    facts.push(("Labels", labels.join("  "), None));
    facts
}

fn text(message: &Outgoing, base: &str) -> String {
    let mut out = format!("{}\n\n", subject(message));
    // Writing to a String cannot fail.
    match &message.content {
        Content::Alerts(alerts) if message.wording.body.is_some() => {
            _ = writeln!(out, "{}\n", message.wording.body.as_deref().unwrap_or_default());
            for alert in alerts.alerts.iter().take(MOST_LISTED) {
                _ = writeln!(out, "  {base}/alerts/{}", alert.id);
            }
        }
        Content::Alerts(alerts) => text_of_alerts(&mut out, alerts, message, base),
        Content::Incident(it) => text_of_incident(&mut out, it, base),
        Content::Text(said) => _ = writeln!(out, "{}", said.text),
    }
    if let Some(why) = message.wording.apology() {
        _ = writeln!(out, "\n{}", one_line(&why));
    }
    _ = writeln!(out, "\n-- \nWatchkeeper · {} · {}", one_line(&message.reason), message.id);
    out
}

fn text_of_alerts(out: &mut String, alerts: &Alerts, message: &Outgoing, base: &str) {
    for alert in alerts.alerts.iter().take(MOST_LISTED) {
        _ = writeln!(out, "{} · {}", alert.status.to_uppercase(), one_line(&alert.name));
        for said in ["summary", "description"].iter().filter_map(|name| alert.annotations.get(*name)) {
            _ = writeln!(out, "  {said}");
        }
        for (name, value, _) in facts(alert, message.now) {
            _ = writeln!(out, "  {name}: {}", one_line(&value));
        }
        _ = writeln!(out, "  {base}/alerts/{}\n", alert.id);
    }
    if alerts.alerts.len() > MOST_LISTED {
        _ = writeln!(out, "… and {} more", alerts.alerts.len() - MOST_LISTED);
    }
    if let Some(incident) = &message.incident {
        _ = writeln!(out, "Incident #{}: {base}/incidents/{}", incident.number, incident.id);
    }
}

fn text_of_incident(out: &mut String, it: &Incident, base: &str) {
    let facts = &it.incident;
    _ = writeln!(out, "{}\n", it.text);
    _ = writeln!(
        out,
        "Priority: {} · {}\nSince: {}",
        capital(facts.priority.as_str()),
        facts.category,
        facts.opened_at
    );
    for (role, who) in facts.roles.iter().filter_map(|(role, who)| Some((role, who.as_str()?))) {
        _ = writeln!(out, "{}: {}", one_line(&capital(role)), one_line(who));
    }
    if !it.tried.is_empty() {
        _ = writeln!(out, "\nWhat was tried:");
    }
    for tried in &it.tried {
        let at = tried.at.map(|at| format!("{at} ")).unwrap_or_default();
        _ = writeln!(
            out,
            "- {at}{}: {} {}",
            one_line(&tried.workflow),
            one_line(&tried.outcome),
            one_line(&tried.detail)
        );
    }
    _ = writeln!(out, "\n{base}/incidents/{}", facts.id);
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn html(message: &Outgoing, base: &str, chart: bool) -> String {
    let colour = match (&message.content, message.status.as_str()) {
        (_, "resolved") => "#1a7f4b",
        (Content::Text(_), _) => "#44505c",
        _ => "#b3202c",
    };
    let mut out = format!(
        "<!doctype html><html><body style=\"margin:0;background:#f4f5f7;font:15px/1.5 -apple-system,'Segoe UI',Roboto,sans-serif;color:#26303a\">\
         <div style=\"max-width:680px;margin:0 auto;background:#fff\"><div style=\"background:{colour};color:#fff;padding:14px 20px;\
         font-size:18px;font-weight:600\">{}</div><div style=\"padding:16px 20px\">",
        encode(&subject(message))
    );
    match &message.content {
        Content::Alerts(alerts) if message.wording.body.is_some() => {
            html_in_own_words(&mut out, alerts, message, base, chart);
        }
        Content::Alerts(alerts) => html_of_alerts(&mut out, alerts, message, base, chart),
        Content::Incident(it) => html_of_incident(&mut out, it, base),
        Content::Text(Text { text, .. }) => _ = write!(out, "<p style=\"white-space:pre-wrap\">{}</p>", encode(text)),
    }
    if let Some(why) = message.wording.apology() {
        _ = write!(out, "<p style=\"color:#b3202c\">{}</p>", encode(&why));
    }
    _ = write!(
        out,
        "<p style=\"color:#6b7680;font-size:12px;margin-top:24px\">Watchkeeper · {} · {}</p></div></div></body></html>",
        encode(&message.reason),
        message.id
    );
    out
}

/// The receiver's text stands where the alerts would be told; their links stay.
fn html_in_own_words(out: &mut String, alerts: &Alerts, message: &Outgoing, base: &str, chart: bool) {
    if chart {
        _ = write!(out, "<img src=\"cid:{CHART}\" alt=\"Chart\" width=\"640\" style=\"max-width:100%;height:auto\">");
    }
    let body = message.wording.body.as_deref().unwrap_or_default();
    _ = write!(out, "<p style=\"white-space:pre-wrap\">{}</p>", encode(body));
    for alert in alerts.alerts.iter().take(MOST_LISTED) {
        let url = attribute(&format!("{base}/alerts/{}", alert.id));
        _ = write!(out, "<p style=\"margin:4px 0\"><a href=\"{url}\">{}</a></p>", encode(&alert.name));
    }
}

fn html_of_alerts(out: &mut String, alerts: &Alerts, message: &Outgoing, base: &str, chart: bool) {
    if chart {
        _ = write!(out, "<img src=\"cid:{CHART}\" alt=\"Chart\" width=\"640\" style=\"max-width:100%;height:auto\">");
    }
    for alert in alerts.alerts.iter().take(MOST_LISTED) {
        let (name, status) = (encode(&alert.name), encode(&alert.status));
        let url = attribute(&format!("{base}/alerts/{}", alert.id));
        _ = write!(
            out,
            "<h3 style=\"margin:16px 0 4px\"><a href=\"{url}\" style=\"color:#1f5aa6\">{name}</a> · {status}</h3>"
        );
        for said in ["summary", "description"].iter().filter_map(|name| alert.annotations.get(*name)) {
            _ = write!(out, "<p style=\"margin:4px 0;white-space:pre-wrap\">{}</p>", encode(said));
        }
        table(out, &facts(alert, message.now));
    }
    if alerts.alerts.len() > MOST_LISTED {
        _ = write!(out, "<p>… and {} more</p>", alerts.alerts.len() - MOST_LISTED);
    }
    if let Some(incident) = &message.incident {
        let url = attribute(&format!("{base}/incidents/{}", incident.id));
        _ = write!(out, "<p><a href=\"{url}\">Incident #{}</a> {}</p>", incident.number, encode(&incident.title));
    }
}

fn html_of_incident(out: &mut String, it: &Incident, base: &str) {
    let facts = &it.incident;
    if !it.text.is_empty() {
        _ = write!(out, "<p style=\"white-space:pre-wrap\">{}</p>", encode(&it.text));
    }
    let mut rows: Facts = vec![
        (
            "Incident",
            format!("#{} {}", facts.number, facts.title),
            clickable(&format!("{base}/incidents/{}", facts.id)),
        ),
        ("Priority", format!("{} · {}", capital(facts.priority.as_str()), facts.category), None),
        ("Since", facts.opened_at.to_string(), None),
    ];
    let people: Vec<String> =
        facts.roles.iter().filter_map(|(role, who)| Some(format!("{} ({role})", who.as_str()?))).collect();
    if !people.is_empty() {
        rows.push(("People", people.join(", "), None));
    }
    table(out, &rows);
    if !it.tried.is_empty() {
        _ = write!(out, "<h3 style=\"margin:16px 0 4px\">What was tried</h3><ul>");
        for tried in &it.tried {
            let at = tried.at.map(|at| format!("{at} ")).unwrap_or_default();
            let said = format!("{at}{}: {} {}", tried.workflow, tried.outcome, tried.detail);
            _ = write!(out, "<li>{}</li>", encode(&said));
        }
        _ = write!(out, "</ul>");
    }
}

fn table(out: &mut String, rows: &Facts) {
    _ = write!(out, "<table style=\"border-collapse:collapse;font-size:14px\">");
    for (name, value, link) in rows {
        let value = match link {
            Some(url) => format!("<a href=\"{}\">{}</a>", attribute(url), encode(value)),
            None => encode(value),
        };
        _ = write!(
            out,
            "<tr><td style=\"padding:2px 12px 2px 0;color:#6b7680;vertical-align:top\">{name}</td>\
             <td style=\"padding:2px 0;overflow-wrap:anywhere\">{value}</td></tr>"
        );
    }
    _ = write!(out, "</table>");
}

/// Text for HTML, safe between tags and in quoted attributes.
fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() && c != '\n' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// A web address for a quoted attribute; empty for anything else.
fn attribute(url: &str) -> String {
    clickable(url).map(|url| encode(&url)).unwrap_or_default()
}
