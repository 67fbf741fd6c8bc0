//! Which addresses are reached, and what is known of a broken request. Not a load test.

use super::*;
use reach::{Addresses, Reach, allowed, check};
use watchkeeper_testkit::{Answer as Scripted, MockWebhook};

fn request(url: &str) -> Request {
    Request {
        url: Url::parse(url).expect("a test's URL is well formed"),
        reach: Reach::Administrator,
        method: Method::POST,
        headers: HeaderMap::new(),
        body: Bytes::from_static(b"{}"),
        left: Left::default(),
    }
}

#[test]
fn a_url_from_a_payload_reaches_no_internal_address_in_any_spelling() {
    for text in [
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://0.0.0.0/",
        "https://169.254.169.254/",
        "https://[fd00::1]/",
        "https://100.64.0.1/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[::127.0.0.1]/",
        "https://10.1.2.3/",
        "https://[fe80::1]/",
        "http://93.184.216.34/",
        "https://user@example.org/",
        "file:///etc/passwd",
        "gopher://example.org/",
    ] {
        let url = Url::parse(text).expect("each spelling is a URL");
        assert!(check(&url, Reach::Payload).is_err(), "{text} was let through");
    }
    assert!(check(&Url::parse("https://93.184.216.34/").expect("valid"), Reach::Payload).is_ok());
}

#[test]
fn the_administrator_reaches_internal_receivers_but_never_the_metadata_service_and_no_plain_http_outside() {
    let ok = |text: &str| check(&Url::parse(text).expect("valid"), Reach::Administrator).is_ok();
    assert!(ok("http://127.0.0.1:8080/hook"));
    assert!(ok("http://10.0.0.7/hook"));
    assert!(ok("https://93.184.216.34/hook"));
    assert!(!ok("http://93.184.216.34/hook"));
    assert!(!ok("http://169.254.169.254/latest/meta-data"));
    assert!(!ok("https://169.254.169.254/latest/meta-data"));
}

#[tokio::test]
async fn a_name_is_judged_by_the_addresses_it_stands_for() {
    assert!(reach::resolve("localhost", 80, Addresses::Public).await.is_err());
    assert!(reach::resolve("localhost", 80, Addresses::Private).await.is_ok());
    assert!(allowed("8.8.8.8".parse().expect("valid"), Addresses::Private).is_err());
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_known_not_to_have_been_told() {
    let mock = MockWebhook::start().await;
    let url = mock.url("/secret-path");
    drop(mock);
    // The accept loop ends with the mock; its listener is gone once the task has been dropped.
    tokio::task::yield_now().await;
    let error = Client::new().expect("a client").send(request(&url)).await.expect_err("nobody listens");
    assert!(matches!(error, ClientError::NotSent(_)), "{error:?}");
    assert!(!error.to_string().contains("secret-path"), "{error}");
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_request_leaves_the_outcome_open() {
    let mock = MockWebhook::start().await;
    mock.script([Scripted::CloseAfterReading, Scripted::Garbage]);
    let client = Client::new().expect("a client");
    for _ in 0..2 {
        let error = client.send(request(&mock.url("/secret-path"))).await.expect_err("no answer");
        assert!(matches!(error, ClientError::Unanswered(_)), "{error:?}");
        assert!(!error.to_string().contains("secret-path"), "{error}");
    }
    assert_eq!(mock.requests().len(), 2, "the client repeated a request by itself");
}

#[tokio::test]
async fn an_answer_is_capped_and_a_redirect_is_not_followed() {
    let (mock, other) = (MockWebhook::start().await, MockWebhook::start().await);
    mock.script([
        Scripted::Status(200, "x".repeat(MOST_ANSWER_BYTES * 2)),
        Scripted::Redirect(other.url("/elsewhere")),
    ]);
    let client = Client::new().expect("a client");
    let answer = client.send(request(&mock.url("/"))).await.expect("an answer");
    assert_eq!(answer.body.len(), MOST_ANSWER_BYTES);
    let answer = client.send(request(&mock.url("/"))).await.expect("an answer");
    assert_eq!(answer.status, 307);
    assert!(other.requests().is_empty());
}
