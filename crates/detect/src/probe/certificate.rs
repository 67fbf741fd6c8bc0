//! Certificates: verified as any client does, and remembered, so that a refused chain still tells when it expires.
//!
//! Not a way around verification: the handshake fails when the verifier says so.

use std::sync::Arc;

use parking_lot::Mutex;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use watchkeeper_domain::Timestamp;
use x509_parser::prelude::{FromDer, X509Certificate};

/// The most certificates of a chain that are looked at.
const MOST_CERTIFICATES: usize = 10;

/// No certificate authority to trust.
#[derive(Debug, thiserror::Error)]
#[error("no trusted certificate authority is usable: {0}; install the system's ca-certificates")]
pub struct RootsError(pub String);

/// The certificate authorities that the system trusts, and their certificates as DER.
pub(super) fn system_roots() -> Result<(RootCertStore, Vec<Vec<u8>>), RootsError> {
    let found = rustls_native_certs::load_native_certs();
    let authorities = found.certs.iter().map(|der| der.as_ref().to_vec()).collect();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let errors: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        return Err(RootsError(errors.join("; ")));
    }
    Ok((roots, authorities))
}

/// What was seen of a chain.
#[derive(Debug, Default)]
pub(super) struct SeenChain {
    pub(super) expires_at: Option<Timestamp>,
    pub(super) refused: Option<Error>,
}

/// Makes verifiers that remember.
#[derive(Debug, Clone)]
pub(super) struct Verifiers {
    provider: Arc<CryptoProvider>,
    inner: Arc<WebPkiServerVerifier>,
}

impl Verifiers {
    pub(super) fn new(roots: RootCertStore) -> Result<Self, RootsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
            .build()
            .map_err(|e| RootsError(e.to_string()))?;
        Ok(Self { provider, inner })
    }

    /// A client configuration for one handshake, and what it will have seen.
    pub(super) fn client(&self) -> Result<(ClientConfig, Arc<Mutex<SeenChain>>), Error> {
        let seen = Arc::new(Mutex::new(SeenChain::default()));
        let verifier = Arc::new(Recorder { inner: self.inner.clone(), seen: seen.clone() });
        let config = ClientConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        Ok((config, seen))
    }
}

#[derive(Debug)]
struct Recorder {
    inner: Arc<WebPkiServerVerifier>,
    seen: Arc<Mutex<SeenChain>>,
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = std::iter::once(end_entity).chain(intermediates).take(MOST_CERTIFICATES);
        let expires_at = chain.filter_map(not_after).min();
        let verified = self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp, now);
        *self.seen.lock() = SeenChain { expires_at, refused: verified.as_ref().err().cloned() };
        verified
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

fn not_after(cert: &CertificateDer<'_>) -> Option<Timestamp> {
    let (_, parsed) = X509Certificate::from_der(cert).ok()?;
    Some(Timestamp::from_secs(parsed.validity().not_after.timestamp()))
}

/// Why a chain was refused, in words.
pub(super) fn in_words(error: &Error, host: &str, expires_at: Option<Timestamp>) -> String {
    let when = expires_at.map(|t| format!(" (it expires or expired at {t})")).unwrap_or_default();
    match error {
        Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            format!("the certificate of `{host}` has expired{when}")
        }
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => {
            format!("the certificate is for another name than `{host}`{when}")
        }
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            format!("the certificate of `{host}` was issued by an authority that is not trusted here{when}")
        }
        other => format!("the TLS handshake with `{host}` failed: {other}{when}"),
    }
}
