//! The server's certificate: read, checked against its key, and put in force without a restart.
//!
//! Not the listener, and not the making of certificates: `watchkeeper ca` does that. There is one provider, aws-lc-rs.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{Error as PemError, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use watchkeeper_config::model::Tls;
use watchkeeper_config::{Config, Diagnostic};
use watchkeeper_domain::Timestamp;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// What the listeners show now; shared by all of them, and read anew for each connection.
#[derive(Debug, Clone, Default)]
pub struct Certificates(Arc<ArcSwapOption<Loaded>>);

/// A certificate in force.
#[derive(Debug)]
pub struct Loaded {
    /// What a handshake needs.
    pub config: Arc<ServerConfig>,
    /// When the first certificate of the chain ends.
    pub not_after: Timestamp,
}

impl Certificates {
    /// What a new connection is shown; none: no TLS.
    #[must_use]
    pub fn now(&self) -> Option<Arc<Loaded>> {
        self.0.load_full()
    }

    /// Puts another one in force. Connections that are open keep theirs.
    pub fn replace(&self, loaded: Option<Loaded>) {
        self.0.store(loaded.map(Arc::new));
    }
}

/// Reads what the configuration names. The problem stands where the file is named.
pub fn load(config: &Config) -> Result<Option<Loaded>, Box<Diagnostic>> {
    config.server.tls.as_ref().map(read).transpose()
}

fn read(tls: &Tls) -> Result<Loaded, Box<Diagnostic>> {
    let (file, at) = (&tls.certificate_file, &tls.certificate_at);
    let parsed = CertificateDer::pem_slice_iter(tls.certificate.as_bytes()).collect::<Result<Vec<_>, PemError>>();
    let chain = parsed.map_err(|error| {
        at.problem(format!("`{file}` is not a PEM file: {error}"), "it must hold `-----BEGIN CERTIFICATE-----` blocks")
    })?;
    if chain.is_empty() {
        let help = if tls.certificate.contains("PRIVATE KEY") {
            "this is a key; name the certificate here and the key under `key`"
        } else {
            "it must hold `-----BEGIN CERTIFICATE-----` blocks, the server's own first"
        };
        return Err(at.problem(format!("`{file}` holds no certificate"), help));
    }
    let mut ends = Vec::new();
    for one in &chain {
        let (_, parsed) = X509Certificate::from_der(one).map_err(|error| {
            at.problem(format!("a certificate in `{file}` cannot be read: {error}"), "export it once more, as PEM")
        })?;
        ends.push(parsed.validity().not_after.timestamp());
    }
    let not_after = Timestamp::from_secs(ends.first().copied().unwrap_or_default());

    let (key_file, key_at) = (&tls.key_file, &tls.key_at);
    let key = PrivateKeyDer::from_pem_slice(tls.key.expose().as_bytes()).map_err(|_| {
        // What is wrong with it in detail would be a part of it.
        let help = if tls.key.expose().contains("ENCRYPTED") {
            "it is encrypted; write it without a passphrase (`openssl pkey -in … -out …`), readable by the server only"
        } else if tls.key.expose().contains("BEGIN CERTIFICATE") {
            "this is a certificate; name its key here"
        } else {
            "it must hold one `-----BEGIN PRIVATE KEY-----` block"
        };
        key_at.problem(format!("`{key_file}` holds no private key that can be used"), help)
    })?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let wrong = |error: rustls::Error| match error {
        rustls::Error::InconsistentKeys(_) => key_at.problem(
            format!("the key in `{key_file}` is not that of the certificate in `{file}`"),
            "name the two files that were made together; `watchkeeper ca show FILE` says what a certificate is for",
        ),
        error => key_at.problem(
            format!("`{key_file}` cannot be used: {error}"),
            "use an ECDSA P-256 or P-384, Ed25519 or RSA key of 2048 bits or more",
        ),
    };
    let certified = CertifiedKey::from_der(chain.clone(), key, &provider).map_err(wrong)?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(wrong)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Loaded { config: Arc::new(config), not_after })
}

/// Says in the log when a certificate that is put in force has ended or will soon. It is shown all the same: a client that
/// does not check reaches us, and nobody reaches a server that does not start.
pub fn warn_of_end(loaded: &Loaded, now: Timestamp) {
    let left = loaded.not_after.since(now).as_secs_f64() / 86_400.0;
    if left < 0.0 {
        tracing::error!(ended = %loaded.not_after, "the server's certificate has ended; clients will refuse it. Renew it (`watchkeeper ca renew`) and reload");
    } else if left < 14.0 {
        tracing::warn!(ends = %loaded.not_after, "the server's certificate ends soon. Renew it (`watchkeeper ca renew`) and reload");
    }
}
