//! Clients that do not keep to HTTP: slow headers, lengths that lie, no request at all.
//!
//! Not bodies: see `telemetry`.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use watchkeeper_server::http::listen;

use super::Served;

/// How long the server waits for a header here; 15 s would be long for a test.
const PATIENCE: Duration = Duration::from_millis(300);

/// Sends bytes and reads until the server closes.
async fn answer(to: std::net::SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut all = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut all)).await;
    // A reset closes as well as an orderly end.
    drop(read.expect("the server closes the connection"));
    String::from_utf8_lossy(&all).into_owned()
}

#[tokio::test]
async fn a_connection_that_sends_no_whole_header_is_closed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    let router = Router::new().route("/", get(|| async { "here" }));
    tasks.spawn(listen::serve(listener, router, stop.clone(), Arc::default(), PATIENCE, Default::default()));
    // Nothing at all, the beginning of HTTP/2's preface, a header without its end, a second request without its end.
    for bytes in ["", "PRI * HT", "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let said = answer(address, bytes.as_bytes()).await;
        assert!(!said.contains("200 OK"), "{bytes:?}: {said}");
    }
    let said = answer(address, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET / HTTP/1.1\r\nHo").await;
    assert!(said.contains("200 OK") && said.contains("here"), "{said}");
    stop.cancel();
    tasks.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_huge_declared_length_is_refused_before_a_byte_of_it_is_read() {
    let served = Served::start().await;
    let main = served.app.addresses().main;
    for (path, kind) in [
        ("/v1/logs", "application/json"),
        ("/api/watchkeeper/v1/silences", "application/json"),
        ("/slack/interactions", "application/x-www-form-urlencoded"),
    ] {
        for length in ["1099511627776", "9223372036854775807"] {
            let head = format!(
                "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
            );
            let said = answer(main, head.as_bytes()).await;
            assert!(said.starts_with("HTTP/1.1 413") && said.contains("WK1002"), "{path} {length}: {said}");
        }
    }
    served.still_works().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_http_costs_its_own_connection_only() {
    let served = Served::start().await;
    let main = served.app.addresses().main;
    let long = format!("GET /{} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", "a".repeat(100 << 10));
    let many = format!("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n{}\r\n", "X-Many: 1\r\n".repeat(20_000));
    let smuggled = "POST /v1/logs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nContent-Length: 50\r\nConnection: close\r\n\r\nhello";
    let garbage = "\u{16}\u{3}\u{1} this is TLS\r\n\r\n";
    let lies = "POST /v1/logs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: -1\r\nConnection: close\r\n\r\n{}";
    for bytes in [long.as_str(), &many, smuggled, garbage, lies, "\r\n\r\n\r\n\r\nGET\r\n\r\n"] {
        let said = answer(main, bytes.as_bytes()).await;
        assert!(!said.contains(" 200 ") && !said.contains(" 500 "), "{said}");
    }
    served.still_works().await;
}
