//! Told by text message and by call, taken by a reply and by a key.
//!
//! Not the forms of Twilio's API: `respond` has those tests.

use axum::body::Body;
use base64::Engine as _;
use hmac::{Hmac, Mac as _};
use http::{Request, header};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;
use watchkeeper_domain::Span;
use watchkeeper_server::http::router;
use watchkeeper_testkit::providers;
use watchkeeper_testkit::smtp::MailServer;

use crate::stories::world::{ADMIN, SECRETS, Setup, World};

const TOKEN: &str = SECRETS[5].1;
const NUMBER: &str = "+41791234567";

/// A world whose alerts are told by telephone; the bank's stand-in plays Twilio.
async fn world() -> World {
    let phone = format!("  - name: phone\n    sms: [{{ to: \"{NUMBER}\" }}]\n    voice: [{{ to: \"{NUMBER}\" }}]\n");
    configured(|text| text.replace("  - name: security\n", &format!("{phone}  - name: security\n"))).await
}

/// A world with an account at the stand-in, and a receiver `phone`, as `change` writes it, that gets all alerts.
async fn configured(change: impl Fn(&str) -> String) -> World {
    let world = World::with(Setup::default()).await;
    world.bank.answer_by(providers::twilio);
    let file = world.path("watchkeeper.yaml");
    let text = change(&std::fs::read_to_string(&file).unwrap());
    let text = text.replace("  receiver: operations\n", "  receiver: phone\n");
    let secret = world.path("secrets/BANK_CONTROL_TOKEN");
    let twilio = format!(
        "twilio: {{ account_sid: AC1, auth_token: \"${{file:{}}}\", from: \"+15550001234\", api_url: \"{}\" }}\n",
        secret.display(),
        world.bank.url("")
    );
    std::fs::write(&file, format!("{text}{twilio}")).unwrap();
    let (status, said) = world.call("POST", "/-/reload", Some(ADMIN), None).await;
    assert_eq!(status, 200, "{said}");
    world
}

/// What Twilio posts, signed as it signs.
async fn answers(world: &World, path: &str, fields: &[(&str, &str)], token: &str) -> (u16, String) {
    let url = format!("https://watchkeeper.money404.example{path}");
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(token.as_bytes()).unwrap();
    mac.update(url.as_bytes());
    let mut sorted = fields.to_vec();
    sorted.sort_unstable();
    for (name, value) in sorted {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    let signature = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("x-twilio-signature", signature)
        .body(Body::from(body))
        .unwrap();
    let answer = router::main(world.shared()).oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&bytes).into_owned())
}

/// The form of the first request to this resource.
fn said(world: &World, resource: &str, field: &str) -> String {
    let requests = world.bank.requests();
    let request = requests.iter().find(|r| r.path.ends_with(resource)).expect("it was told");
    providers::form(request).into_iter().find(|(name, _)| name == field).unwrap().1
}

#[tokio::test]
async fn a_reply_with_the_code_takes_the_incident_and_a_strangers_does_not() {
    let mut world = world().await;
    world.accounts_fail().await;
    let text = said(&world, "/Messages.json", "Body");
    let code: String = text.split("ACK ").nth(1).unwrap().chars().take(4).collect();
    let reply = |from: &'static str, body: String, token: &'static str| {
        let world = &world;
        async move { answers(world, "/twilio/sms", &[("From", from), ("To", "+15550001234"), ("Body", &body)], token).await }
    };
    assert_eq!(reply(NUMBER, format!("ack {code}"), "another-token").await.0, 401);
    let (status, answer) = reply("+41790000001", format!("ack {code}"), TOKEN).await;
    assert!(status == 200 && answer.contains("no such message"), "{answer}");
    let (status, answer) = reply(NUMBER, "what?".to_owned(), TOKEN).await;
    assert!(status == 200 && answer.contains("Reply ACK"), "{answer}");
    assert_eq!(world.incident().await["state"], "triggered");
    let (status, answer) = reply(NUMBER, format!("Ack {code}"), TOKEN).await;
    assert!(status == 200 && answer.contains("<Message>It is yours:"), "{answer}");
    let incident = world.incident().await;
    assert_eq!(incident["state"], "acknowledged", "{incident}");
    assert!(world.ledger().await.iter().any(|kind| kind == "incident.acknowledged"));
    world.end().await;
}

#[tokio::test]
async fn a_key_during_the_call_takes_it_and_any_other_key_does_not() {
    let mut world = world().await;
    world.accounts_fail().await;
    let twiml = said(&world, "/Calls.json", "Twiml");
    let action = twiml.split("action=\"https://watchkeeper.money404.example").nth(1).unwrap();
    let path = action.split('"').next().unwrap().to_owned();
    let press = |digit: &'static str| {
        let (world, path) = (&world, path.clone());
        async move {
            let fields = [("CallSid", "CA1"), ("From", "+15550001234"), ("To", NUMBER), ("Digits", digit)];
            answers(world, &path, &fields, TOKEN).await
        }
    };
    let (status, answer) = press("2").await;
    assert!(status == 200 && answer.contains("Nobody has taken it"), "{answer}");
    assert_eq!(world.incident().await["state"], "triggered");
    let (status, answer) = press("1").await;
    assert!(status == 200 && answer.contains("<Say>It is yours:"), "{answer}");
    assert_eq!(world.incident().await["state"], "acknowledged");
    world.end().await;
}

#[tokio::test]
async fn a_person_gets_a_mail_then_a_text_then_a_call_and_a_key_ends_it() {
    let mut server = match MailServer::start().await {
        Ok(server) => server,
        Err(why) => return println!("skipped: no mail server: {why}"),
    };
    let port = server.address().port();
    let mut world = configured(|text| {
        let ana = text.lines().find(|line| line.contains("name: ana")).unwrap().to_owned();
        let people = format!(
            r#"  - name: ana
    email: ana@money404.example
    sms: "{NUMBER}"
    voice: "{NUMBER}"
    notify: [{{ via: email }}, {{ via: sms, after: 2m }}, {{ via: voice, after: 5m, priorities: [critical, high] }}]
  - name: bo
    sms: "+41790000002"
    notify: [{{ via: sms, priorities: [low] }}]
smtp: {{ host: 127.0.0.1, port: {port}, tls: none, from: watch@money404.example }}
escalation_policies:
  - name: bank
    steps: [{{ targets: [{{ person: ana }}, {{ person: bo }}], delay: 10m }}, {{ targets: {{ person: bo }} }}]"#
        );
        text.replace(&ana, &people)
            .replace("receivers:\n", "receivers:\n  - { name: phone, escalation_policy: bank }\n")
    })
    .await;
    world.accounts_fail().await;
    let mail = server.message().await.unwrap();
    assert_eq!(mail["to"], serde_json::json!(["ana@money404.example"]));
    let rang = |world: &World| -> Vec<String> {
        world.bank.requests().iter().filter_map(|r| r.path.rsplit('/').next().map(str::to_owned)).collect()
    };
    assert_eq!(rang(&world), [""; 0], "nobody's telephone rings at once");
    world.run_reporting_every(Span::from_secs(90), Span::from_secs(10)).await;
    assert_eq!(rang(&world), [""; 0], "nor before two minutes are over");
    world.run_reporting_every(Span::from_secs(40), Span::from_secs(10)).await;
    assert_eq!(rang(&world), ["Messages.json"]);
    world.run_reporting_every(Span::from_secs(180), Span::from_secs(10)).await;
    assert_eq!(rang(&world), ["Messages.json", "Calls.json"]);
    let twiml = said(&world, "/Calls.json", "Twiml");
    let action = twiml.split("action=\"https://watchkeeper.money404.example").nth(1).unwrap();
    let path = action.split('"').next().unwrap().to_owned();
    let fields = [("CallSid", "CA1"), ("From", "+15550001234"), ("To", NUMBER), ("Digits", "1")];
    let (status, answer) = answers(&world, &path, &fields, TOKEN).await;
    assert!(status == 200 && answer.contains("It is yours"), "{answer}");
    let incident = world.incident().await;
    assert_eq!(incident["state"], "acknowledged", "{incident}");
    assert_eq!(incident["owner"], "ana", "whose number it is: {incident}");
    // The second step would have called bo ten minutes after the first.
    world.run_reporting_every(Span::from_secs(3_600), Span::from_secs(60)).await;
    assert_eq!(rang(&world).len(), 2);
    let escalations = world.get("/api/watchkeeper/v1/oncall/escalations").await;
    assert_eq!(escalations["items"][0]["phase"], "acknowledged", "{escalations}");
    let around = "/api/watchkeeper/v1/oncall/people/bo/explain?around=2h";
    let bo = world.get(around).await;
    let verdict = bo["alerts"][0]["verdict"].as_str().unwrap().to_owned();
    assert!(verdict.contains("their own rules have none for the priority"), "{verdict}");
    let people = world.get("/api/watchkeeper/v1/oncall/people").await;
    assert_eq!(people["items"][0]["contact_methods"], serde_json::json!(["email", "sms", "voice"]), "{people}");
    let ana = world.get("/api/watchkeeper/v1/oncall/people/ana/explain?around=2h").await;
    assert_eq!(ana["alerts"][0]["reached"], true, "{ana}");
    for over in ["email", "sms", "voice"] {
        assert!(ana.to_string().contains(&format!("Delivered to person:ana over {over}")), "{over}: {ana}");
    }
    world.end().await;
}
