//! TLS of our own: the authority and certificates that the command line makes, listeners that speak TLS, certificates that
//! change while it runs.
//!
//! Not TLS as a client (probes, mail).

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use watchkeeper_server::app::{Addresses, App, Options};

/// The application with TLS, under an authority made by `watchkeeper ca`.
pub(crate) struct Secure {
    app: App,
    pub(crate) http: reqwest::Client,
    folder: TempDir,
}

impl Secure {
    pub(crate) async fn start(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fine(folder.path(), &["ca", "init"]);
        fine(folder.path(), &["ca", "issue", "localhost", "127.0.0.1"]);
        let file = folder.path().join("watchkeeper.yaml");
        let config = "server: {listen: '127.0.0.1:0', otlp_http: '127.0.0.1:0', otlp_grpc: '127.0.0.1:0', tls: {certificate: tls/localhost.pem, key: tls/localhost.key}}\n";
        std::fs::write(&file, format!("{config}{more}")).unwrap();
        let options = Options {
            config_file: Some(file),
            listen: None,
            data: Some(folder.path().join("data")),
            otlp_ports: true,
            env: watchkeeper_server::clock::system_env(),
        };
        let app = App::start(options).await.unwrap();
        let authority = std::fs::read(folder.path().join("tls/ca.pem")).unwrap();
        let trusted = reqwest::Certificate::from_pem(&authority).unwrap();
        let http = reqwest::Client::builder().tls_certs_only([trusted]).build().unwrap();
        Self { app, http, folder }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn authority(&self) -> std::path::PathBuf {
        self.folder.path().join("tls/ca.pem")
    }

    pub(crate) fn addresses(&self) -> Addresses {
        self.app.addresses()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.app.addresses().main.port())
    }

    pub(crate) async fn json(&self, path: &str) -> serde_json::Value {
        self.http.get(self.url(path)).send().await.unwrap().json().await.unwrap()
    }

    /// A connection to a listener, offering these protocols.
    async fn connect(&self, to: std::net::SocketAddr, offered: &[&str]) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        for one in CertificateDer::pem_file_iter(self.authority()).unwrap() {
            roots.add(one.unwrap()).unwrap();
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = offered.iter().map(|p| p.as_bytes().to_vec()).collect();
        let stream = TcpStream::connect(to).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
    }
}

/// Runs the program; it must end well. Gives its standard output.
fn fine(folder: &Path, arguments: &[&str]) -> String {
    let (status, said, complained) = run(folder, arguments);
    assert_eq!(status, Some(0), "{arguments:?}: {said}{complained}");
    said
}

fn run(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_watchkeeper")).args(arguments).current_dir(folder).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_authority_issues_shows_and_renews_and_keys_are_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let (status, _, complained) = run(folder.path(), &["ca", "issue", "a.example"]);
    assert!(status == Some(1) && complained.contains("ca init"), "{complained}");
    fine(folder.path(), &["ca", "init", "--name", "Bank CA", "--days", "30"]);
    let (status, _, complained) = run(folder.path(), &["ca", "init"]);
    assert!(status == Some(1) && complained.contains("there already"), "{complained}");
    let json = fine(folder.path(), &["ca", "issue", "wk.bank.example", "10.0.0.7", "::1", "--output", "json"]);
    let first: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(first["names"], serde_json::json!(["wk.bank.example", "10.0.0.7", "::1"]), "{first}");
    assert_eq!((first["days_left"].as_i64(), first["issuer"].as_str()), (Some(396), Some("CN=Bank CA")), "{first}");
    for key in ["ca.key", "wk.bank.example.key"] {
        let mode = std::fs::metadata(folder.path().join("tls").join(key)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{key}");
    }
    let file = "tls/wk.bank.example.pem";
    let (status, _, complained) = run(folder.path(), &["ca", "issue", "wk.bank.example"]);
    assert!(status == Some(1) && complained.contains("ca renew"), "{complained}");
    let old = std::fs::read(folder.path().join("tls/wk.bank.example.key")).unwrap();
    fine(folder.path(), &["ca", "renew", file, "--days", "10"]);
    let json = fine(folder.path(), &["ca", "show", file, "--output", "json"]);
    let again: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&again["names"], again["days_left"].as_i64()), (&first["names"], Some(9)), "{again}");
    assert_ne!(again["sha256"], first["sha256"]);
    assert_ne!(std::fs::read(folder.path().join("tls/wk.bank.example.key")).unwrap(), old);
    let shown = fine(folder.path(), &["ca", "show"]);
    assert!(shown.contains("Bank CA") && !shown.contains("PRIVATE"), "{shown}");
    for wrong in ["https://a.example", "a.example:443", "-a", ""] {
        assert_eq!(run(folder.path(), &["ca", "issue", "--", wrong]).0, Some(2), "{wrong}");
    }
}

#[test]
fn what_is_wrong_with_a_certificate_is_told_where_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fine(folder.path(), &["ca", "init"]);
    for host in ["a.example", "b.example"] {
        fine(folder.path(), &["ca", "issue", host]);
    }
    std::fs::write(
        folder.path().join("tls/garbage"),
        "-----BEGIN CERTIFICATE-----\nnot base64!\n-----END CERTIFICATE-----\n",
    )
    .unwrap();
    std::fs::write(
        folder.path().join("tls/locked"),
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    )
    .unwrap();
    let said = |certificate: &str, key: &str| {
        let text = format!("server:\n  tls:\n    certificate: {certificate}\n    key: {key}\n");
        std::fs::write(folder.path().join("watchkeeper.yaml"), text).unwrap();
        let (status, said, complained) = run(folder.path(), &["check", "--lines"]);
        (status, format!("{said}{complained}"))
    };
    assert_eq!(said("tls/a.example.pem", "tls/a.example.key").0, Some(0));
    for (certificate, key, expected) in [
        ("tls/none.pem", "tls/a.example.key", "watchkeeper.yaml:3:18: WK3003 `tls/none.pem` cannot be read"),
        ("tls/garbage", "tls/a.example.key", "watchkeeper.yaml:3:18: WK3003 `tls/garbage` is not a PEM file"),
        (
            "tls/a.example.key",
            "tls/a.example.key",
            "watchkeeper.yaml:3:18: WK3003 `tls/a.example.key` holds no certificate; this is a key",
        ),
        (
            "tls/a.example.pem",
            "tls/b.example.key",
            "watchkeeper.yaml:4:10: WK3003 the key in `tls/b.example.key` is not that of the certificate in `tls/a.example.pem`",
        ),
        (
            "tls/a.example.pem",
            "tls/a.example.pem",
            "watchkeeper.yaml:4:10: WK3003 `tls/a.example.pem` holds no private key that can be used; this is a certificate",
        ),
        ("tls/a.example.pem", "tls/locked", "it is encrypted"),
    ] {
        let (status, text) = said(certificate, key);
        assert!(status == Some(1) && text.contains(expected), "{expected}:\n{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_listener_speaks_tls_with_both_versions_of_http_and_says_so_to_those_who_do_not() {
    let secure = Secure::start("").await;
    let addresses = secure.addresses();
    assert_eq!(secure.http.get(secure.url("/-/healthy")).send().await.unwrap().status(), 200);
    for listener in [addresses.main, addresses.otlp_http.unwrap(), addresses.otlp_grpc.unwrap()] {
        for (offered, chosen) in [(&["h2", "http/1.1"][..], &b"h2"[..]), (&["http/1.1"], b"http/1.1")] {
            let stream = secure.connect(listener, offered).await;
            assert_eq!(stream.get_ref().1.alpn_protocol(), Some(chosen));
        }
    }
    let mut plain = TcpStream::connect(addresses.main).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut said = String::new();
    plain.read_to_string(&mut said).await.unwrap();
    assert!(said.starts_with("HTTP/1.1 400") && said.contains("speaks HTTPS"), "{said}");
    // The command line trusts it when told to, and says how when not.
    let (folder, server) = (secure.folder().to_owned(), secure.url(""));
    let ask = move |ca: &[&str]| run(&folder, &[&["rule", "list", "--server", &server][..], ca].concat());
    let (trusted, stranger) =
        tokio::task::spawn_blocking(move || (ask(&["--ca", "tls/ca.pem"]), ask(&[]))).await.unwrap();
    assert_eq!(trusted.0, Some(0), "{}", trusted.2);
    assert!(stranger.0 == Some(1) && stranger.2.contains("--ca FILE"), "{}", stranger.2);
    let text = secure.http.get(secure.url("/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(text.contains("watchkeeper_tls_certificate_expiry_timestamp_seconds 18"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewed_certificate_is_shown_after_a_reload_and_a_broken_one_changes_nothing() {
    let secure = Secure::start("").await;
    let main = secure.addresses().main;
    let shown = async || {
        let stream = secure.connect(main, &["http/1.1"]).await;
        stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
    };
    let reload = async || secure.http.post(secure.url("/-/reload")).send().await.unwrap();
    // One that is open lives on with what it had.
    let mut open = secure.connect(main, &["http/1.1"]).await;
    let first = shown().await;
    fine(secure.folder(), &["ca", "renew", "tls/localhost.pem"]);
    assert_eq!(shown().await, first, "nothing changes by itself");
    assert_eq!(reload().await.status(), 200);
    let second = shown().await;
    assert_ne!(second, first);
    open.write_all(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut said = String::new();
    open.read_to_string(&mut said).await.unwrap();
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");

    let key = secure.folder().join("tls/localhost.key");
    let good = std::fs::read(&key).unwrap();
    std::fs::copy(secure.folder().join("tls/ca.key"), &key).unwrap();
    let refused = reload().await;
    assert_eq!(refused.status(), 400);
    let problem: serde_json::Value = refused.json().await.unwrap();
    assert!(problem["detail"].as_str().unwrap().contains("is not that of the certificate"), "{problem}");
    assert_eq!(shown().await, second);
    std::fs::write(&key, good).unwrap();
    assert_eq!(reload().await.status(), 200);
}

#[tokio::test]
async fn a_handshake_that_does_not_come_to_its_end_is_closed_and_costs_nobody_else() {
    use tokio_util::sync::CancellationToken;
    use watchkeeper_server::http::listen;

    let secure = Secure::start("").await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
    let router = axum::Router::new().route("/", axum::routing::get(|| async { "here" }));
    let mut tasks = tokio::task::JoinSet::new();
    let certificates = secure.app.shared().certificates.clone();
    let patience = Duration::from_millis(500);
    tasks.spawn(listen::serve(listener, router, stop.clone(), Arc::default(), patience, certificates));
    // Nothing, the beginning of a handshake, a handshake that is none.
    for bytes in [&b""[..], b"\x16\x03\x01\x02\x00\x01", b"\x16\x03\x01\x00\x05hello"] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut rest)).await;
        drop(ended.expect("the server closes it"));
    }
    // A handshake and then no request.
    let mut idle = secure.connect(address, &["http/1.1"]).await;
    let ended = tokio::time::timeout(Duration::from_secs(60), idle.read_to_end(&mut Vec::new())).await;
    drop(ended.expect("the server closes it"));
    let mut fine = secure.connect(address, &["http/1.1"]).await;
    fine.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut said = String::new();
    fine.read_to_string(&mut said).await.unwrap();
    assert!(said.ends_with("here"), "{said}");
    stop.cancel();
    tasks.join_all().await;
}
