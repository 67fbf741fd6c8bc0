//! Probes of real parts: PostgreSQL, MariaDB and dnsmasq from Debian, started here on loopback, and ICMP as far as the
//! machine permits it. What is not installed is skipped, visibly.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use watchkeeper_config::Secret;
use watchkeeper_config::model::probe::{DatabaseProbe, DnsProbe, Starttls, TlsProbe};

use super::*;

/// A server that ends with the test.
struct Part {
    child: Child,
    port: u16,
    _dir: tempfile::TempDir,
}

impl Drop for Part {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn found(paths: &[&str]) -> Option<PathBuf> {
    let found = paths.iter().map(PathBuf::from).find(|path| path.exists());
    if found.is_none() {
        println!("skipped: none of {paths:?} is installed");
    }
    found
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    dir
}

fn is_root() -> bool {
    String::from_utf8_lossy(&Command::new("id").arg("-u").output().unwrap().stdout).trim() == "0"
}

/// PostgreSQL refuses to run as root.
fn as_postgres(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]).arg(program);
    command
}

fn done(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn started(command: &mut Command, port: u16, dir: tempfile::TempDir) -> Part {
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    Part { child, port, _dir: dir }
}

fn network(roots: RootCertStore) -> RealNetwork {
    RealNetwork::trusting(real_env(), roots).unwrap()
}

fn probe(kind: ProbeKind) -> Probe {
    Probe { kind, ..http(String::new(), None) }
}

/// Probes until it succeeds: a server takes a while to begin.
async fn once_it_is_up(network: &RealNetwork, probe: &Probe) -> Finding {
    let env = real_env();
    let mut finding = network.probe(probe).await;
    for _ in 0..600 {
        if finding.error.is_none() {
            break;
        }
        env.clock.sleep_until(env.now() + Span::from_millis(100)).await;
        finding = network.probe(probe).await;
    }
    finding
}

fn database(port: u16) -> DatabaseProbe {
    DatabaseProbe {
        address: format!("127.0.0.1:{port}"),
        user: "probe".into(),
        password: Some(Secret::new("${env:PW}", "only-for-a-test")),
        database: Some("postgres".into()),
        query: "SELECT 40 + 2".into(),
        expect: Some("42".into()),
        tls: false,
    }
}

/// PostgreSQL with a certificate of a new authority, valid until 2090.
fn postgresql() -> Option<(Part, RootCertStore)> {
    let bin =
        std::fs::read_dir("/usr/lib/postgresql").ok().and_then(|mut all| Some(all.next()?.ok()?.path().join("bin")));
    let bin = found(&[bin.unwrap_or_default().join("initdb").to_str()?])?.parent()?.to_owned();
    let dir = folder();
    let at = |name: &str| dir.path().join(name);
    std::fs::write(at("password"), "only-for-a-test").unwrap();
    let mut initdb = as_postgres(&bin.join("initdb"));
    done(
        initdb
            .arg("-D")
            .arg(at("data"))
            .args(["-U", "probe", "-A", "scram-sha-256", "-N"])
            .arg(format!("--pwfile={}", at("password").display())),
    );

    let (roots, issuer) = authority("Money404 Database CA");
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2090, 1, 1));
    let key = KeyPair::generate().unwrap();
    let cert = params.signed_by(&key, &issuer).unwrap();
    for (name, pem) in [("server.crt", cert.pem()), ("server.key", key.serialize_pem())] {
        let path = at("data").join(name);
        std::fs::write(&path, pem).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        if is_root() {
            done(Command::new("chown").arg("postgres:postgres").arg(&path));
        }
    }
    let port = free_port();
    let mut server = as_postgres(&bin.join("postgres"));
    server.arg("-D").arg(at("data")).args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"]);
    server.args(["-c", "fsync=off", "-c", "ssl=on", "-k"]).arg(dir.path());
    Some((started(&mut server, port, dir), roots))
}

#[tokio::test]
async fn postgresql_is_asked_with_and_without_tls_and_says_what_is_wrong() {
    let Some((part, roots)) = postgresql() else { return };
    let network = network(roots);
    let good = database(part.port);
    let finding = once_it_is_up(&network, &probe(ProbeKind::Postgres(good.clone()))).await;
    assert_eq!((finding.error, finding.phases.tls), (None, None));
    assert!(finding.phases.connect.is_some() && finding.phases.processing.is_some());

    let asked = async |change: &dyn Fn(&mut DatabaseProbe)| {
        let mut changed = good.clone();
        change(&mut changed);
        network.probe(&probe(ProbeKind::Postgres(changed))).await
    };
    let encrypted = asked(&|it| it.tls = true).await;
    assert_eq!(encrypted.error, None);
    assert_eq!(encrypted.certificate_expires_at, Some("2090-01-01T00:00:00Z".parse().unwrap()));
    let other = asked(&|it| it.expect = Some("43".into())).await;
    assert_eq!(other.error.as_deref(), Some("the query gave `42`; `43` was expected"));
    let broken = asked(&|it| it.query = "SELECT nothing".into()).await;
    assert_eq!(broken.error.as_deref(), Some("the query failed: column \"nothing\" does not exist (42703)"));
    let stranger = asked(&|it| it.password = Some(Secret::new("${env:PW}", "wrong"))).await.error.unwrap();
    assert!(stranger.contains("password authentication failed") && stranger.contains("28P01"), "{stranger}");
    let none = asked(&|it| it.query = "SELECT 1 WHERE false".into()).await;
    assert_eq!(none.error.as_deref(), Some("the query gave no row; `42` was expected"));

    let tls = |min_validity| TlsProbe {
        address: good.address.clone(),
        server_name: None,
        starttls: Some(Starttls::Postgres),
        min_validity,
    };
    assert_eq!(network.probe(&probe(ProbeKind::Tls(tls(Span::ZERO)))).await.error, None);
    let soon = network.probe(&probe(ProbeKind::Tls(tls(Span::from_secs(100 * 365 * 86_400))))).await;
    assert!(soon.error.unwrap().contains("expires at 2090-01-01"));
    let strange = TlsProbe { starttls: Some(Starttls::Smtp), ..tls(Span::ZERO) };
    let late = Probe { timeout: Span::from_millis(300), ..probe(ProbeKind::Tls(strange)) };
    assert!(network.probe(&late).await.error.is_some());
}

#[tokio::test]
async fn mariadb_is_asked_over_mysqls_protocol() {
    let Some(server) = found(&["/usr/sbin/mariadbd"]) else { return };
    let Some(install) = found(&["/usr/bin/mariadb-install-db"]) else { return };
    let (dir, port) = (folder(), free_port());
    let at = |name: &str| dir.path().join(name);
    let user: &[&str] = if is_root() { &["--user=root"] } else { &[] };
    let mut made = Command::new(install);
    done(
        made.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"])
            .args(user)
            .arg(format!("--datadir={}", at("data").display())),
    );
    std::fs::write(at("init.sql"), "CREATE USER 'probe'@'%' IDENTIFIED BY 'only-for-a-test';\n").unwrap();
    let mut command = Command::new(server);
    command.arg("--no-defaults").args(user).arg(format!("--datadir={}", at("data").display()));
    command
        .arg(format!("--socket={}", at("socket").display()))
        .arg(format!("--init-file={}", at("init.sql").display()));
    command.args(["--bind-address=127.0.0.1", "--skip-name-resolve", &format!("--port={port}")]);
    let part = started(&mut command, port, dir);
    let network = network(some_roots().0);
    let good = DatabaseProbe { database: Some("information_schema".into()), ..database(part.port) };
    assert_eq!(once_it_is_up(&network, &probe(ProbeKind::Mysql(good.clone()))).await.error, None);
    let wrong = DatabaseProbe { password: Some(Secret::new("${env:PW}", "wrong")), ..good.clone() };
    let error = network.probe(&probe(ProbeKind::Mysql(wrong))).await.error.unwrap();
    assert!(error.contains("Access denied") && !error.contains("wrong"), "{error}");
    let other = DatabaseProbe { expect: Some("0".into()), ..good };
    let error = network.probe(&probe(ProbeKind::Mysql(other))).await.error;
    assert_eq!(error.as_deref(), Some("the query gave `42`; `0` was expected"));
}

#[tokio::test]
async fn a_name_server_is_asked_for_the_records_that_are_expected() {
    let Some(dnsmasq) = found(&["/usr/sbin/dnsmasq"]) else { return };
    let port = free_port();
    let mut command = Command::new(dnsmasq);
    command.args(["--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--bind-interfaces"]);
    command.args(["--listen-address=127.0.0.1", &format!("--port={port}"), "--pid-file=", "--local=/test/"]);
    command.args(["--address=/bank.test/10.1.2.3", "--mx-host=bank.test,mail.bank.test,10"]);
    command.arg("--txt-record=bank.test,v=spf1 -all");
    if is_root() {
        command.arg("--user=root");
    }
    let _part = started(&mut command, port, folder());
    let network = network(some_roots().0);
    let dns = |record: &str, name: &str, expect: &[&str]| {
        let expect = expect.iter().map(|text| (*text).to_owned()).collect();
        let server = Some(([127, 0, 0, 1], port).into());
        probe(ProbeKind::Dns(DnsProbe { name: name.into(), record: record.into(), server, expect }))
    };
    assert_eq!(once_it_is_up(&network, &dns("A", "bank.test", &["10.1.2.3"])).await.error, None);
    assert_eq!(network.probe(&dns("MX", "bank.test", &["10 MAIL.bank.test."])).await.error, None);
    assert_eq!(network.probe(&dns("TXT", "bank.test", &["v=spf1 -all"])).await.error, None);
    let other = network.probe(&dns("A", "bank.test", &["10.1.2.4"])).await.error.unwrap();
    assert_eq!(other, "the A records of `bank.test` are 10.1.2.3; 10.1.2.4 is not among them");
    let none = network.probe(&dns("A", "nowhere.test", &[])).await.error.unwrap();
    assert!(none.starts_with("no A record of `nowhere.test`"), "{none}");
}

#[tokio::test]
async fn an_echo_comes_back_or_the_probe_says_that_it_may_not_ask() {
    let finding = network(some_roots().0).probe(&probe(ProbeKind::Icmp { host: "127.0.0.1".into() })).await;
    assert_eq!(finding.error, None);
    match &finding.not_run {
        Some(reason) => {
            println!("skipped: {reason}");
            assert!(reason.contains("net.ipv4.ping_group_range"), "{reason}");
        }
        None => assert!(finding.phases.processing.is_some()),
    }
}
