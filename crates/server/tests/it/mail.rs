//! The real program against a real mail server that wants encryption and a password, as those on the internet do.
//!
//! Not the mail itself: `respond` tests that against the same server in plain text.

use std::path::Path;

use watchkeeper_testkit::smtp::{Keys, MailServer, Manners};

use crate::crash::program::{Program, eventually, free_address};

const USER: &str = "watchkeeper";
const PASSWORD: &str = "correct horse battery staple";

/// A certificate authority of our own and a certificate of its for `localhost`.
fn certificates(folder: &Path) {
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    std::fs::write(folder.join("ca.pem"), authority.self_signed(&authority_key).unwrap().pem()).unwrap();
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let server = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("server.pem"), server.signed_by(&key, &issuer).unwrap().pem()).unwrap();
    std::fs::write(folder.join("server.key"), key.serialize_pem()).unwrap();
}

/// Starts the program with a receiver at that server, and asks for a test message by the command line.
async fn tell(folder: &Path, server: &MailServer, tls: &str, environment: &[(&str, &str)]) -> Program {
    let configuration = format!(
        "smtp: {{ host: localhost, port: {}, tls: {tls}, from: watch@example.org, username: {USER}, \
         password: '${{env:SMTP_PASSWORD}}' }}\n\
         receivers: [{{ name: team, email: [{{ to: oncall@example.org }}] }}]\nroute: {{ receiver: team }}\n",
        server.address().port()
    );
    std::fs::write(folder.join("watchkeeper.yaml"), configuration).unwrap();
    let address = free_address();
    let program = Program::start_with(folder, address, environment).await;
    let status = tokio::process::Command::new(env!("CARGO_BIN_EXE_watchkeeper"))
        .args(["notify", "test", "team", "--server", &format!("http://{address}")])
        .stdout(std::process::Stdio::null())
        .status()
        .await
        .unwrap();
    assert!(status.success(), "{status}");
    program
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_goes_to_servers_that_want_encryption_and_a_password() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    certificates(folder);
    let (certificate, key) = (folder.join("server.pem"), folder.join("server.key"));
    let keys = Keys { certificate: &certificate, key: &key, user: USER, password: PASSWORD };
    let authority = folder.join("ca.pem");
    let environment = [("SSL_CERT_FILE", authority.to_str().unwrap()), ("SMTP_PASSWORD", PASSWORD)];
    for (tls, manners) in [("starttls", Manners::StartTls(keys)), ("tls", Manners::Tls(keys))] {
        let mut server = match MailServer::start_with(manners).await {
            Ok(server) => server,
            Err(why) => return println!("skipped: no mail server: {why}"),
        };
        let program = tell(folder, &server, tls, &environment).await;
        let mail = server.message().await.unwrap();
        assert_eq!(mail["to"], serde_json::json!(["oncall@example.org"]), "{tls}");
        drop(program);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_and_an_unknown_authority_are_told_and_neither_shows_the_password() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    certificates(folder);
    let (certificate, key) = (folder.join("server.pem"), folder.join("server.key"));
    let keys = Keys { certificate: &certificate, key: &key, user: USER, password: PASSWORD };
    let authority = folder.join("ca.pem");
    let trusted = ("SSL_CERT_FILE", authority.to_str().unwrap());
    let cases =
        [(vec![trusted, ("SMTP_PASSWORD", "wrong horse")], "535"), (vec![("SMTP_PASSWORD", PASSWORD)], "certificate")];
    for (environment, said) in cases {
        let server = match MailServer::start_with(Manners::StartTls(keys)).await {
            Ok(server) => server,
            Err(why) => return println!("skipped: no mail server: {why}"),
        };
        let program = tell(folder, &server, "starttls", &environment).await;
        let only = async || program.all("notifications").await.pop().unwrap_or_default();
        eventually("the attempt to fail", async || only().await["attempts"][0]["error"].is_string()).await;
        let told = only().await;
        let error = told["attempts"][0]["error"].as_str().unwrap_or_default();
        assert!(error.to_lowercase().contains(said), "{told}");
        let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        assert!(!told.to_string().contains("horse") && !log.contains("horse"), "{told}\n{log}");
        drop(program);
        std::fs::remove_dir_all(folder.join("data")).unwrap();
    }
}
