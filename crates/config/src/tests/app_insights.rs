//! `app_insights` and `server.tls`.

use super::*;

const KEY: &str = "11111111-2222-3333-4444-555555555555";

fn memory(text: &str) -> Memory {
    let files =
        Memory::default().file("wk.yaml", text).file("tls/a.pem", "cert").file("tls/a.key", "k3y-of-the-server");
    files.env("SHOP", &format!(" {} ", KEY.to_uppercase())).env("NO", "not-a-uuid-but-a-secret")
}

#[test]
fn keys_origins_and_certificates_are_read() {
    let text = "
app_insights:
  keys: [{name: shop, key: '${env:SHOP}'}]
  allowed_origins: ['https://Shop.bank.example/', 'http://localhost:3000', '*']
  live_metrics: false
server: {listen: '127.0.0.1:7443', tls: {certificate: tls/a.pem, key: tls/a.key}}
";
    let config = load_memory(&memory(text)).unwrap().config;
    let shop = &config.app_insights.keys[0];
    assert_eq!((shop.name.as_str(), shop.key.expose(), shop.key.reference()), ("shop", KEY, "${env:SHOP}"));
    assert_eq!(config.app_insights.allowed_origins, ["https://shop.bank.example", "http://localhost:3000", "*"]);
    assert!(!config.app_insights.live_metrics);
    assert_eq!(config.server.external_url, "https://127.0.0.1:7443");
    let tls = config.server.tls.unwrap();
    assert_eq!((tls.certificate.as_str(), tls.key.expose()), ("cert", "k3y-of-the-server"));
    assert!(!format!("{tls:?}").contains("k3y-of"));
    let problem = tls.key_at.problem("the key does not fit", "issue it again");
    let expected = "wk.yaml:6:71: WK3003 the key does not fit; issue it again";
    assert_eq!(problem.to_string(), expected);
    assert!(defaults().app_insights.live_metrics && defaults().server.tls.is_none());
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_never_with_the_key() {
    let text = "
app_insights:
  keys:
    - {name: shop, key: '${env:SHOP}'}
    - {name: shop, key: '${env:SHOP}'}
    - {name: literal, key: 11111111-2222-3333-4444-555555555555}
    - {name: no, key: '${env:NO}'}
  allowed_origins: ['shop.bank.example', 'https://shop.bank.example/path']
server: {tls: {certificate: tls/b.pem, key: tls/a.key, chain: x}}
";
    let said = problems(&memory(text));
    for expected in [
        "wk.yaml:5:14: WK3006 there are two instrumentation keys named `shop`",
        "wk.yaml:6:28: WK3004 `key` of an instrumentation key holds a secret in plain text; set APPINSIGHTS_KEY",
        "wk.yaml:7:23: WK3003 the value of `${env:NO}` is no instrumentation key",
        "wk.yaml:8:21: WK3003 `shop.bank.example` is not an origin",
        "wk.yaml:8:42: WK3003 `https://shop.bank.example/path` is not an origin",
        "wk.yaml:9:29: WK3003 `tls/b.pem` cannot be read",
        "watchkeeper ca init",
        "wk.yaml:9:56: WK3002 `chain` is not a key of `tls`",
    ] {
        assert!(said.contains(expected), "{expected} in\n{said}");
    }
    assert!(!said.contains("not-a-uuid") && !said.contains(KEY), "{said}");
}
