//! The real network against real local servers, and the runner on a clock that is moved by hand.

mod parts;

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use watchkeeper_domain::telemetry::{AppendError, Appended, Batch, TelemetrySink};
use watchkeeper_domain::{Clock, Env};
use watchkeeper_testkit::{SeededEntropy, SystemClock};

use watchkeeper_config::model::probe::{DownAfter, HttpProbe};

use super::*;

fn real_env() -> Env {
    Env { clock: Arc::new(SystemClock::default()), entropy: Arc::new(SeededEntropy::new(1)) }
}

fn http(url: String, expect_body: Option<&str>) -> Probe {
    let expect_body = expect_body.map(ToOwned::to_owned);
    let kind = ProbeKind::Http(Box::new(HttpProbe {
        url,
        method: "GET".into(),
        headers: vec![],
        expect_status: vec![],
        expect_body,
        expect_headers: vec![],
        expect_json: vec![],
        max_body: None,
    }));
    Probe {
        name: "front".into(),
        kind,
        interval: Span::from_secs(15),
        timeout: Span::from_secs(5),
        down_after: DownAfter::default(),
        labels: BTreeMap::new(),
    }
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, with: &[u8]) {
    let mut request = [0_u8; 2_048];
    if stream.read(&mut request).await.is_ok() && !with.is_empty() {
        stream.write_all(with).await.ok();
        stream.shutdown().await.ok();
    } else {
        std::future::pending().await
    }
}

/// Probes a server that gives this answer to one connection after the other; an empty one is never given.
async fn probed(path: &str, answers: &[&'static [u8]], expect_body: Option<&str>, timeout: Span) -> Finding {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut probe = http(format!("http://{}{path}", listener.local_addr().unwrap()), expect_body);
    probe.timeout = timeout;
    let network = RealNetwork::trusting(real_env(), some_roots().0).unwrap();
    let serve = async {
        for with in answers {
            let (stream, _) = listener.accept().await.unwrap();
            answer(stream, with).await;
        }
        std::future::pending().await
    };
    tokio::select! { finding = network.probe(&probe) => finding, () = serve => unreachable!() }
}

fn some_roots() -> (RootCertStore, Issuer<'static, KeyPair>) {
    authority("Money404 Test CA")
}

fn authority(name: &str) -> (RootCertStore, Issuer<'static, KeyPair>) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let cert = params.self_signed(&key).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    (roots, Issuer::new(params, key))
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nwelcome";

fn secs(secs: i64) -> Span {
    Span::from_secs(secs)
}

#[tokio::test]
async fn a_good_answer_is_timed_phase_by_phase() {
    let finding = probed("/", &[OK], Some("^wel"), secs(5)).await;
    assert_eq!((finding.error, finding.status), (None, Some(200)));
    let phases = finding.phases;
    assert!(
        phases.resolve.is_some()
            && phases.connect.is_some()
            && phases.processing.is_some()
            && phases.transfer.is_some()
    );
    assert_eq!(phases.tls, None);
}

#[tokio::test]
async fn each_way_to_fail_is_told_in_words() {
    let refused = probed("/", &[b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"], None, secs(5)).await;
    assert_eq!((refused.error.as_deref(), refused.status), (Some("the status is 503 Service Unavailable"), Some(503)));
    let mismatch = probed("/", &[OK], Some("goodbye"), secs(5)).await;
    assert!(mismatch.failed_by_regex && mismatch.error.unwrap().contains("does not match"));
    let garbage = probed("/", &[b"SSH-2.0-OpenSSH_9.6\r\n"], None, secs(5)).await;
    assert!(garbage.error.unwrap().starts_with("no usable answer"));
    let slow = probed("/", &[b""], None, Span::from_millis(50)).await;
    assert_eq!(slow.error.as_deref(), Some("no answer within 50ms; it was still waiting for the first byte"));
    let cut = probed("/", &[b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort"], None, secs(5)).await;
    assert!(cut.error.unwrap().starts_with("the answer broke off"));
}

#[tokio::test]
async fn redirects_are_followed_within_the_host_only() {
    let home: &[u8] = b"HTTP/1.1 302 Found\r\nLocation: /home\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(probed("/", &[home, OK], None, secs(5)).await.error, None);
    let away = b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n";
    assert!(probed("/", &[away], None, secs(5)).await.error.unwrap().contains("169.254.169.254"));
    assert_eq!(probed("/", &[home; 6], None, secs(5)).await.error.as_deref(), Some("more than 5 redirects"));
}

#[tokio::test]
async fn a_closed_port_is_refused_for_tcp_and_an_open_one_is_fine() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let probe = Probe { kind: ProbeKind::Tcp { address }, ..http(String::new(), None) };
    let network = RealNetwork::trusting(real_env(), some_roots().0).unwrap();
    assert_eq!(network.probe(&probe).await.error, None);
    drop(listener);
    assert!(network.probe(&probe).await.error.unwrap().contains("no connection to 127.0.0.1"));
}

/// Probes a TLS server whose certificate is for `name` until `year`.
async fn probed_tls(name: &str, year: i32, trusted: bool) -> Finding {
    let (roots, issuer) = some_roots();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(year, 1, 1));
    let key = KeyPair::generate().unwrap();
    let cert: CertificateDer<'static> = params.signed_by(&key, &issuer).unwrap().der().clone();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let probe = http(format!("https://127.0.0.1:{}/", listener.local_addr().unwrap().port()), None);
    let roots = if trusted { roots } else { authority("Another CA").0 };
    let network = RealNetwork::trusting(real_env(), roots).unwrap();
    let serve = async {
        let (stream, _) = listener.accept().await.unwrap();
        if let Ok(stream) = acceptor.accept(stream).await {
            answer(stream, OK).await;
        }
        std::future::pending().await
    };
    tokio::select! { finding = network.probe(&probe) => finding, () = serve => unreachable!() }
}

#[tokio::test]
async fn certificates_are_verified_and_their_expiry_is_told_also_when_they_are_refused() {
    let good = probed_tls("127.0.0.1", 2090, true).await;
    assert_eq!((good.error, good.status), (None, Some(200)));
    assert!(good.phases.tls.is_some() && good.certificate_expires_at == Some("2090-01-01T00:00:00Z".parse().unwrap()));
    let expired = probed_tls("127.0.0.1", 2021, true).await;
    assert!(expired.error.unwrap().contains("has expired"));
    assert_eq!(expired.certificate_expires_at, Some("2021-01-01T00:00:00Z".parse().unwrap()));
    assert!(probed_tls("other.example", 2090, true).await.error.unwrap().contains("another name"));
    assert!(probed_tls("127.0.0.1", 2090, false).await.error.unwrap().contains("not trusted"));
}

#[tokio::test]
async fn headers_json_and_length_of_an_answer_are_asserted() {
    const JSON: &[u8] =
        b"HTTP/1.1 200 OK\r\nContent-Length: 41\r\nCache-Control: no-store\r\n\r\n{\"status\":\"UP\",\"db\":{\"lag\":3,\"on\":true}}\n";
    let check = async |change: fn(&mut HttpProbe)| {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut probe = http(format!("http://{}/", listener.local_addr().unwrap()), None);
        let ProbeKind::Http(http) = &mut probe.kind else { unreachable!() };
        change(http);
        let network = RealNetwork::trusting(real_env(), some_roots().0).unwrap();
        let serve = async {
            let (stream, _) = listener.accept().await.unwrap();
            answer(stream, JSON).await;
            std::future::pending().await
        };
        tokio::select! { finding = network.probe(&probe) => finding.error, () = serve => unreachable!() }
    };
    let fine = check(|it| {
        it.expect_json = vec!["status == 'UP'".into(), "db.on and db.lag < 5".into()];
        it.expect_headers = vec![("cache-control".into(), "no-store".into())];
        it.max_body = Some(41);
    });
    assert_eq!(fine.await, None);
    let lag = check(|it| it.expect_json = vec!["body.db.lag < 3".into()]).await;
    assert_eq!(lag.as_deref(), Some("`body.db.lag < 3` does not hold for the body"));
    let header = check(|it| it.expect_headers = vec![("x-version".into(), "2".into())]).await;
    assert_eq!(header.as_deref(), Some("the answer has no header `x-version`"));
    let long = check(|it| it.max_body = Some(40)).await;
    assert_eq!(long.as_deref(), Some("the body is longer than 40 bytes"));
}

#[test]
fn a_target_is_shown_without_credentials() {
    let probe = http("https://user:hunter2@bank.example:8443/health?token=s3cret".into(), None);
    assert_eq!(target(&probe), "https://bank.example:8443/health");
}

/// Answers from a script, and keeps what was written.
#[derive(Default)]
struct Script {
    down: Mutex<bool>,
    batches: Mutex<Vec<Batch>>,
}

impl Network for Script {
    fn probe<'a>(&'a self, _: &'a Probe) -> Pin<Box<dyn Future<Output = Finding> + Send + 'a>> {
        let error = self.down.lock().then(|| "scripted".to_owned());
        Box::pin(async { Finding { error, status: Some(200), ..Finding::default() } })
    }
}

impl TelemetrySink for Script {
    fn append(&self, batch: Batch) -> Pin<Box<dyn Future<Output = Result<Appended, AppendError>> + Send + '_>> {
        self.batches.lock().push(batch);
        Box::pin(async { Ok(Appended::default()) })
    }
}

#[tokio::test]
async fn a_probe_runs_at_once_and_then_at_its_interval_and_tells_what_it_saw() {
    let (env, clock) = watchkeeper_testkit::env();
    let script = Arc::new(Script::default());
    let runner = ProbeRunner::new(env, script.clone(), script.clone());
    let mut probe = http("http://front.bank/".into(), None);
    probe.labels.insert("service".into(), "front".into());
    runner.apply(&[probe]);
    let story = async {
        while script.batches.lock().is_empty() {
            tokio::task::yield_now().await;
        }
        assert_eq!(clock.now(), watchkeeper_testkit::START);
        *script.down.lock() = true;
        for expected in 2..=4 {
            clock.advance(secs(15));
            while script.batches.lock().len() < expected {
                tokio::task::yield_now().await;
            }
        }
    };
    runner.run(story).await;
    let status = runner.statuses().remove(0);
    assert_eq!(status.last.unwrap().finding.error.as_deref(), Some("scripted"));
    assert!(status.history.len() >= 3);
    let batches = script.batches.lock();
    let success = |batch: &Batch| {
        batch
            .series
            .iter()
            .find(|s| s.labels.name() == Some("probe_success"))
            .map(|s| (s.labels.to_string(), s.samples[0].v))
    };
    let labels = r#"probe_success{probe="front", service="front", target="http://front.bank/"}"#.to_owned();
    assert_eq!(success(&batches[0]), Some((labels.clone(), 1.0)));
    assert_eq!(success(&batches[1]), Some((labels, 0.0)));
}
