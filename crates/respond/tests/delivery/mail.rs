//! E-mail against a real SMTP server that we did not write.

use serde_json::Value;
use watchkeeper_config::model::{EmailIntegration, SmtpServer, SmtpTls};
use watchkeeper_state::Reconciler;
use watchkeeper_testkit::smtp::MailServer;

use super::world::{World, drain};

async fn world_with(server: &MailServer, to: &str) -> World {
    let mut world = World::new().await;
    world.settings.smtp = Some(SmtpServer {
        host: "127.0.0.1".to_owned(),
        port: server.address().port(),
        tls: SmtpTls::None,
        from: "Watchkeeper <watch@example.org>".to_owned(),
        username: None,
        password: None,
    });
    let integration = EmailIntegration { to: vec![to.to_owned()], send_resolved: true };
    world.receiver("team").email.push(integration);
    world
}

fn header<'a>(mail: &'a Value, name: &str) -> Vec<&'a str> {
    let all = mail["headers"].as_array().into_iter().flatten();
    all.filter(|h| h[0].as_str().is_some_and(|n| n.eq_ignore_ascii_case(name))).filter_map(|h| h[1].as_str()).collect()
}

#[tokio::test]
async fn a_mail_is_taken_threaded_and_free_of_injected_headers() {
    let mut server = match MailServer::start().await {
        Ok(server) => server,
        Err(why) => return println!("skipped: no mail server: {why}"),
    };
    let world = world_with(&server, "oncall@example.org").await;
    let name = "High\r\nBcc: thief@example.org <script>alert(1)</script>";
    let first = world.say("team", "t", "firing", name).await[0];
    let second = world.say("team", "t", "resolved", "HighErrorRate").await[0];
    let deliverer = world.deliverer("one");
    drain(&deliverer).await;
    assert_eq!(world.row(first).await.receipt.as_deref(), Some("250 2.0.0 queued as 404"));
    let (one, two) = (server.message().await.expect("a mail"), server.message().await.expect("a mail"));
    assert_eq!(one["to"], serde_json::json!(["oncall@example.org"]));
    assert!(header(&one, "Bcc").is_empty());
    assert!(header(&one, "Subject")[0].contains("Bcc: thief@example.org"), "{:?}", header(&one, "Subject"));
    assert_eq!(header(&one, "Message-ID"), [format!("<{first}@example.org>")]);
    assert_eq!(header(&two, "Message-ID"), [format!("<{second}@example.org>")]);
    assert_eq!(header(&one, "References"), header(&two, "References"), "one thread, one conversation");
    let html = one["parts"].as_array().into_iter().flatten().find(|p| p["type"] == "text/html").expect("an HTML part");
    let html = html["text"].as_str().unwrap_or_default();
    assert!(html.contains("&lt;script&gt;") && !html.contains("<script>"), "{html}");
}

#[tokio::test]
async fn a_refused_mail_fails_a_deferred_one_is_repeated_and_a_lost_answer_is_unknown() {
    for (to, outcome, state) in [
        ("refuse@example.org", "failed", "failed"),
        ("busy@example.org", "retry", "pending"),
        ("drop@example.org", "unknown", "pending"),
    ] {
        let server = match MailServer::start().await {
            Ok(server) => server,
            Err(why) => return println!("skipped: no mail server: {why}"),
        };
        let world = world_with(&server, to).await;
        let id = world.say("team", "t", "firing", "HighErrorRate").await[0];
        let deliverer = world.deliverer("one");
        deliverer.reconcile().await.expect("a pass");
        deliverer.settle().await;
        let row = world.row(id).await;
        assert_eq!(
            (row.outcomes.as_slice(), row.state.as_str()),
            ([outcome.to_owned()].as_slice(), state),
            "{to}: {row:?}"
        );
    }
}

#[tokio::test]
async fn without_a_mail_server_in_the_configuration_a_mail_fails_visibly() {
    let mut world = World::new().await;
    world.receiver("team").email.push(EmailIntegration { to: vec!["a@example.org".to_owned()], send_resolved: true });
    let id = world.say("team", "t", "firing", "HighErrorRate").await[0];
    let deliverer = world.deliverer("one");
    drain(&deliverer).await;
    let row = world.row(id).await;
    assert!(row.state == "failed" && row.last_error.is_some_and(|e| e.contains("smtp")));
}
