//! What a receiver would be told, without telling it: the same templates and the same channels as when it is.
//!
//! Not a test of the way: `test_message` sends.

use std::collections::BTreeMap;

use watchkeeper_config::model::receiver::Templates;
use watchkeeper_domain::Env;
use watchkeeper_domain::ids::{AlertId, Id, NotificationId};

use super::channel::Outgoing;
use super::content::Content;
use super::context::IncidentLink;
use super::deliver::{self, Settings};
use super::wording::{self, Given, Wording};
use crate::client::{Client, Left};

/// What one integration would send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// `slack`, `email:1`, …
    pub integration: String,
    /// The body, or why there is none. Secrets are taken out; hostile text.
    pub body: Result<String, String>,
}

/// What is to be told.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// `firing` or `resolved`.
    pub status: &'a str,
    /// The alerts that it is about.
    pub alerts: &'a [AlertId],
    /// What is said.
    pub content: Content,
    /// The incident that they belong to.
    pub incident: Option<IncidentLink>,
}

/// What a receiver would be told, with these templates. None, when there is no such receiver.
#[must_use]
pub fn preview(
    settings: &Settings,
    client: &Client,
    env: &Env,
    receiver: &str,
    templates: &Templates,
    wanted: Wanted<'_>,
) -> Option<(Wording, Vec<Preview>)> {
    let known = settings.receivers.get(receiver)?;
    let only = Settings {
        receivers: BTreeMap::from([(receiver.to_owned(), known.clone())]),
        smtp: settings.smtp.clone(),
        people: settings.people.clone(),
        external_url: settings.external_url.clone(),
    };
    let given = Given {
        receiver,
        status: wanted.status,
        reason: "preview",
        now: env.now(),
        incident: wanted.incident.as_ref(),
        external_url: &settings.external_url,
    };
    let wording = wording::word(templates, &wanted.content, &given);
    let message = Outgoing {
        id: NotificationId::new(env),
        status: wanted.status.to_owned(),
        receiver: receiver.to_owned(),
        thread: "preview".to_owned(),
        alerts: wanted.alerts.to_vec(),
        incident_id: None,
        content: wanted.content,
        wording: wording.clone(),
        reason: "preview".to_owned(),
        now: env.now(),
        incident: wanted.incident,
        workflows: Vec::new(),
        chart: None,
        chart_path: None,
        left: Left::default(),
    };
    let previews = deliver::channels(&only, client, env).into_iter().map(|(to, channel)| {
        let clean = |text: String| channel.secrets().clean(&text);
        Preview { integration: to.integration, body: channel.preview(&message).map(clean).map_err(clean) }
    });
    Some((wording, previews.collect()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use watchkeeper_config::Secret;
    use watchkeeper_config::model::Receiver;
    use watchkeeper_config::model::receiver::{
        ChartPolicy, Service, ServiceIntegration, SlackIntegration, Twilio, WebhookIntegration,
    };
    use watchkeeper_domain::Span;

    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    fn settings() -> Settings {
        let secret = |text: &str| Secret::new("${env:S}", text);
        let service = |service| ServiceIntegration { service, send_resolved: true };
        let twilio = Twilio {
            account_sid: "AC1".into(),
            auth_token: secret("a-token-of-twilio"),
            from: "+15550001234".into(),
            api_url: "https://api.twilio.com".into(),
        };
        let services = vec![
            service(Service::PagerDuty { routing_key: secret(KEY), url: "https://pd.example/v2/enqueue".into() }),
            service(Service::Telegram {
                bot_token: secret("1:a-token-of-telegram"),
                chat_id: "7".into(),
                message_thread_id: None,
                api_url: "https://api.telegram.org".into(),
            }),
            service(Service::Voice { to: "+41791234567".into(), twilio }),
        ];
        let receiver = Receiver {
            name: "team".into(),
            slack: vec![SlackIntegration {
                webhook_url: secret("https://hooks.slack.example/services/T0/B0/a-secret-path"),
                send_resolved: true,
                chart: ChartPolicy::Never,
            }],
            webhook: vec![WebhookIntegration {
                url: secret("https://hook.example/"),
                signing_secret: None,
                bearer_token: None,
                send_resolved: true,
                timeout: Span::from_secs(1),
            }],
            services,
            ..Receiver::default()
        };
        Settings {
            receivers: BTreeMap::from([("team".into(), receiver)]),
            external_url: "https://wk.example".into(),
            ..Settings::default()
        }
    }

    #[test]
    fn own_words_are_encoded_for_each_channel_and_no_secret_is_shown() {
        let (env, _) = watchkeeper_testkit::env();
        let id = "alr_0193d0c8000070008000000000000001";
        let alert = json!({
            "id": id, "status": "firing", "name": "Slow", "labels": {"alertname": "Slow", "service": "<!channel>&"},
            "category": "application", "priority": "high", "started_at": "2026-11-26T12:00:00Z",
            "fired_at": "2026-11-26T12:01:00Z",
        });
        let content = Content::read("alert", &json!({"alerts": [alert]}).to_string()).unwrap();
        let templates = Templates {
            title: Some("<b>{{ alert.name }}</b>".into()),
            body: Some("on {{ alert.labels.service }} </Say>".into()),
            ..Templates::default()
        };
        let alerts = [id.parse().unwrap()];
        let wanted = Wanted { status: "firing", alerts: &alerts, content, incident: None };
        let client = Client::new().unwrap();
        let (wording, made) = preview(&settings(), &client, &env, "team", &templates, wanted).unwrap();
        assert_eq!(wording.title.as_deref(), Some("<b>Slow</b>"));
        let of = |name: &str| made.iter().find(|p| p.integration == name).unwrap().body.clone().unwrap();
        assert!(of("telegram").contains("&lt;b&gt;Slow&lt;/b&gt;") && !of("telegram").contains("<!channel>"));
        assert!(of("slack").contains("on &lt;!channel&gt;&amp;") && !of("slack").contains("*Since*"));
        assert!(of("voice").contains("&lt;/Say&gt;"), "{}", of("voice"));
        // JSON needs no encoding: whoever shows it does.
        assert!(of("webhook").contains(r#""message": "on <!channel>& </Say>""#), "{}", of("webhook"));
        let all: String = made.iter().map(|p| format!("{:?}", p.body)).collect();
        for secret in [KEY, "a-token-of-telegram", "a-token-of-twilio", "a-secret-path"] {
            assert!(!all.contains(secret), "{secret}");
        }
        assert!(of("pagerduty").contains("[secret]"));
    }
}
