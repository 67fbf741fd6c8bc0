//! `server.tls`: the certificate that the server shows.
//!
//! Not whether the files hold what they should: the server knows certificates and says so with [`Spot`].

use crate::Secret;
use crate::decode::record::record;
use crate::decode::{At, Context};
use crate::model::{Spot, Tls};

record! {
    /// The certificate with which every listener speaks TLS.
    TlsFile, "`tls`" {
        /// A PEM file: the server's certificate, then those that lead to its authority.
        certificate: At<String> = "certificate" | "cert_file";
        /// A PEM file: its private key, unencrypted.
        key: At<String> = "key" | "key_file";
    }
}

impl TlsFile {
    pub(crate) fn build(&self, cx: &mut Context<'_>) -> Option<Tls> {
        let certificate = read(&self.certificate, cx);
        let key = read(&self.key, cx);
        Some(Tls {
            certificate: certificate?,
            certificate_file: self.certificate.value.clone(),
            certificate_at: Spot(self.certificate.place.clone()),
            key: Secret::new(self.key.value.clone(), key?),
            key_file: self.key.value.clone(),
            key_at: Spot(self.key.place.clone()),
        })
    }
}

fn read(at: &At<String>, cx: &mut Context<'_>) -> Option<String> {
    match cx.source.read(&cx.base.join(&at.value)) {
        Ok(text) => Some(text),
        Err(error) => {
            let help = match error.kind() {
                std::io::ErrorKind::NotFound => {
                    "the path is relative to this file; `watchkeeper ca init` and `watchkeeper ca issue HOST` make both files"
                }
                std::io::ErrorKind::PermissionDenied => "let the server's user read it",
                _ => "it must be a PEM file",
            };
            cx.invalid(&at.place, format!("`{}` cannot be read: {error}", at.value), Some(help.to_owned()));
            None
        }
    }
}
