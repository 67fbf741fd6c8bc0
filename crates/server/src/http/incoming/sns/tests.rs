//! Envelopes signed by a key of our own, with a courier that knows whom it was sent to.

use base64::Engine as _;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize, SigningKey as _};
use serde_json::json;
use watchkeeper_config::model::IntegrationKind;

use super::*;

const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:alarms";

struct Post {
    pem: String,
    asked: Mutex<Vec<String>>,
}

impl Courier for Post {
    fn fetch(&self, url: Url) -> BoxFuture<'_, Result<Vec<u8>, String>> {
        self.asked.lock().push(url.to_string());
        Box::pin(async move { Ok(self.pem.clone().into_bytes()) })
    }
}

struct Amazon {
    key: KeyPair,
    post: Post,
    keys: Keys,
    env: watchkeeper_domain::Env,
}

impl Amazon {
    fn new() -> Self {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        let pem =
            CertificateParams::new(vec!["sns.amazonaws.com".to_owned()]).unwrap().self_signed(&key).unwrap().pem();
        let (env, _) = watchkeeper_testkit::env();
        Self { key, post: Post { pem, asked: Mutex::default() }, keys: Keys::default(), env }
    }

    fn envelope(&self, kind: &str) -> Value {
        json!({
            "Type": kind, "MessageId": "m-1", "TopicArn": TOPIC, "Message": "{}", "Timestamp": self.env.now(), "Token": "t",
            "SubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t",
            "SignatureVersion": "2", "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
        })
    }

    fn signed(&self, mut envelope: Value) -> Value {
        let kind = Envelope::of(&envelope);
        let signature = self.key.sign(canonical(&envelope, &kind).as_bytes()).unwrap();
        envelope["Signature"] = base64::engine::general_purpose::STANDARD.encode(signature).into();
        envelope
    }

    async fn check(&self, body: &Value) -> Result<Checked, String> {
        let integration = Integration {
            name: "cw".to_owned(),
            kind: IntegrationKind::CloudWatch,
            token: None,
            signing_secret: None,
            labels: Default::default(),
            resolve_after: None,
            topics: vec![TOPIC.to_owned()],
            entra: None,
        };
        let (now, clock) = (self.env.now(), self.env.clock.as_ref());
        check(&integration, body.to_string().as_bytes(), now, &self.keys, &self.post, clock)
            .await
            .map_err(|problem| problem.detail().to_owned())
    }
}

#[tokio::test]
async fn what_amazon_signed_is_taken_and_its_certificate_is_fetched_once() {
    let amazon = Amazon::new();
    let mut with_subject = amazon.envelope("Notification");
    with_subject["Subject"] = "ALARM".into();
    for envelope in [amazon.envelope("Notification"), with_subject] {
        assert_eq!(amazon.check(&amazon.signed(envelope)).await, Ok(Checked::Take));
    }
    assert_eq!(amazon.post.asked.lock().len(), 1);
    assert_eq!(amazon.check(&json!({"AlarmName": "raw"})).await, Ok(Checked::Raw));
}

#[tokio::test]
async fn a_subscription_is_confirmed_at_amazon_and_nowhere_else() {
    let amazon = Amazon::new();
    let envelope = amazon.signed(amazon.envelope("SubscriptionConfirmation"));
    assert_eq!(amazon.check(&envelope).await, Ok(Checked::Done("the subscription is confirmed")));
    let asked = amazon.post.asked.lock().clone();
    assert_eq!(asked[1], "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t");
    for url in [
        "http://sns.eu-west-1.amazonaws.com/",
        "https://169.254.169.254/latest",
        "https://sns.eu-west-1.amazonaws.com.evil.example/",
        "https://sns.eu-west-1.amazonaws.com@evil.example/",
        "https://sns.us-east-1.amazonaws.com/",
        "https://sns.eu-west-1.amazonaws.com:8443/",
        "https://bucket.s3.amazonaws.com/sns.pem",
        "file:///etc/passwd",
        "",
    ] {
        let mut envelope = amazon.envelope("SubscriptionConfirmation");
        envelope["SubscribeURL"] = url.into();
        assert!(amazon.check(&amazon.signed(envelope)).await.unwrap_err().contains("`SubscribeURL`"), "{url}");
        let mut envelope = amazon.envelope("Notification");
        envelope["SigningCertURL"] = format!("{url}x.pem").into();
        assert!(amazon.check(&amazon.signed(envelope)).await.unwrap_err().contains("`SigningCertURL`"), "{url}");
    }
    assert_eq!(amazon.post.asked.lock().len(), 2, "something else was fetched: {:?}", amazon.post.asked.lock());
}

#[tokio::test]
async fn what_is_changed_old_foreign_or_signed_weakly_is_refused() {
    let amazon = Amazon::new();
    let with = |name: &str, value: Value| {
        let mut envelope = amazon.signed(amazon.envelope("Notification"));
        envelope[name] = value;
        envelope
    };
    let old = amazon.env.now() - Span::from_secs(3 * 3_600);
    for (envelope, reason) in [
        (with("Message", "{\"AlarmName\":\"x\"}".into()), "signature is not Amazon's"),
        (with("Signature", "AAAA".into()), "signature is not Amazon's"),
        (with("Timestamp", json!(old)), "two hours"),
        (with("TopicArn", "arn:aws:sns:eu-west-1:1:other".into()), "not among `topics`"),
        (with("SignatureVersion", "1".into()), "--attribute-name SignatureVersion --attribute-value 2"),
        (with("SignatureVersion", Value::Null), "not signed"),
    ] {
        let refused = amazon.check(&envelope).await.unwrap_err();
        assert!(refused.contains(reason), "{refused}");
    }
}
