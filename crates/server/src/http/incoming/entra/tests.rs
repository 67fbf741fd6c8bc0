//! Tokens signed by a key of our own, with a courier that hands out its public half.

use futures::future::BoxFuture;
use rcgen::{KeyPair, PKCS_RSA_SHA256, PublicKeyData as _, RsaKeySize, SigningKey as _};
use serde_json::json;

use super::*;

struct Tenant {
    key: KeyPair,
    asked: Mutex<Vec<String>>,
    keys: Keys,
    env: watchkeeper_domain::Env,
}

/// The two numbers of an `RSAPublicKey`.
fn numbers(der: &[u8]) -> Vec<Vec<u8>> {
    let length = |at: &mut usize| {
        let first = usize::from(der[*at]);
        *at += 1;
        if first < 0x80 {
            return first;
        }
        let bytes = &der[*at..*at + (first & 0x7f)];
        *at += bytes.len();
        bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte))
    };
    let mut at = 1;
    length(&mut at);
    let mut all = Vec::new();
    while at < der.len() {
        at += 1;
        let size = length(&mut at);
        all.push(der[at..at + size].to_vec());
        at += size;
    }
    all
}

impl Courier for Tenant {
    fn fetch(&self, url: Url) -> BoxFuture<'_, Result<Vec<u8>, String>> {
        self.asked.lock().push(url.to_string());
        let numbers = numbers(self.key.der_bytes());
        let coded = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let set = json!({"keys": [{"kty": "RSA", "kid": "k1", "n": coded(&numbers[0]), "e": coded(&numbers[1])}]});
        Box::pin(async move { Ok(set.to_string().into_bytes()) })
    }
}

impl Tenant {
    fn new() -> Self {
        let (env, _) = watchkeeper_testkit::env();
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        Self { key, asked: Mutex::default(), keys: Keys::default(), env }
    }

    fn claims(&self) -> Value {
        let now = self.env.now().as_millis() / 1_000;
        json!({"aud": "api://watchkeeper", "tid": "t-1", "appid": SENDER, "roles": [ROLE], "nbf": now, "exp": now + 3_600})
    }

    fn token(&self, head: &Value, claims: &Value) -> String {
        let coded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", coded(head), coded(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.key.sign(signed.as_bytes()).unwrap());
        format!("{signed}.{signature}")
    }

    async fn check(&self, token: &str) -> Result<(), String> {
        let entra = Entra {
            tenant: "t-1".to_owned(),
            audience: "api://watchkeeper".to_owned(),
            authority: "https://login.example".to_owned(),
        };
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        let clock = self.env.clock.as_ref();
        check(&entra, &headers, &self.keys, self, clock).await.map_err(|problem| problem.detail().to_owned())
    }
}

#[tokio::test]
async fn a_token_of_azure_monitor_for_us_is_taken_and_its_keys_are_fetched_once() {
    let tenant = Tenant::new();
    let head = json!({"alg": "RS256", "typ": "JWT", "kid": "k1"});
    for _ in 0..2 {
        assert_eq!(tenant.check(&tenant.token(&head, &tenant.claims())).await, Ok(()));
    }
    assert_eq!(*tenant.asked.lock(), ["https://login.example/t-1/discovery/v2.0/keys"]);
}

#[tokio::test]
async fn any_other_token_is_refused_with_the_reason() {
    let tenant = Tenant::new();
    let head = json!({"alg": "RS256", "kid": "k1"});
    let with = |name: &str, value: Value| {
        let mut claims = tenant.claims();
        claims[name] = value;
        tenant.token(&head, &claims)
    };
    let mut changed = tenant.token(&head, &tenant.claims());
    changed.truncate(changed.len() - 4);
    changed.push_str("AAAA");
    for (token, reason) in [
        (with("tid", "t-2".into()), "another tenant"),
        (with("aud", "api://other".into()), "another application"),
        (with("appid", "someone".into()), "not Azure Monitor's"),
        (with("roles", json!([])), "lacks the role"),
        (with("exp", 1.into()), "not valid now"),
        (changed, "not signed by the configured tenant"),
        (tenant.token(&json!({"alg": "none", "kid": "k1"}), &tenant.claims()), "no signed token"),
        (tenant.token(&json!({"alg": "RS256", "kid": "k2"}), &tenant.claims()), "not one of the tenant's"),
        ("abc".to_owned(), "no signed token"),
    ] {
        let refused = tenant.check(&token).await.unwrap_err();
        assert!(refused.contains(reason), "{reason}: {refused}");
    }
    assert_eq!(tenant.asked.lock().len(), 1, "made-up key ids make us fetch");
}
