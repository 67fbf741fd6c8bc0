//! Passwords at rest: PBKDF2-HMAC-SHA256 (RFC 8018, section 5.2) with a salt for each customer. Not a session, not a token.

use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// Far less than one would take in earnest (OWASP: 600,000). The demo's customers log in every few seconds, in an unoptimised
/// build, on two cores that also run the one who watches.
const ITERATIONS: u32 = 2_000;

/// A stored password.
#[derive(Clone)]
pub struct PasswordHash {
    /// 16 random bytes.
    pub salt: Vec<u8>,
    /// The work that was done, kept so that it can grow for new passwords.
    pub iterations: u32,
    /// 32 bytes.
    pub hash: Vec<u8>,
}

impl PasswordHash {
    /// Hashes a new password with a new salt. Takes some milliseconds of CPU.
    #[must_use]
    pub fn new(password: &str) -> Self {
        let salt = rand::random::<[u8; 16]>().to_vec();
        let hash = derive(password.as_bytes(), &salt, ITERATIONS).to_vec();
        Self { salt, iterations: ITERATIONS, hash }
    }

    /// Matches nothing and costs as much as any other.
    #[must_use]
    pub fn of_nobody() -> Self {
        Self { salt: vec![0; 16], iterations: ITERATIONS, hash: vec![0; 32] }
    }

    /// Whether `password` is the one. Takes some milliseconds of CPU, whatever the answer.
    #[must_use]
    pub fn matches(&self, password: &str) -> bool {
        derive(password.as_bytes(), &self.salt, self.iterations).ct_eq(&self.hash).into()
    }
}

/// One block (32 bytes) of PBKDF2.
fn derive(password: &[u8], salt: &[u8], iterations: u32) -> [u8; 32] {
    // The keyed state is computed once and cloned: that halves the work of each round.
    let keyed = Hmac::<Sha256>::new_from_slice(password).expect("HMAC takes a key of any length");
    let mut first = keyed.clone();
    first.update(salt);
    first.update(&1_u32.to_be_bytes());
    let mut round: [u8; 32] = first.finalize().into_bytes().into();
    let mut sum = round;
    for _ in 1..iterations {
        let mut mac = keyed.clone();
        mac.update(&round);
        round = mac.finalize().into_bytes().into();
        for (total, byte) in sum.iter_mut().zip(round) {
            *total ^= byte;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_derivation_agrees_with_the_vectors_of_rfc_7914_section_11() {
        assert_eq!(
            hex::encode(derive(b"passwd", b"salt", 1)),
            "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
        );
        assert_eq!(
            hex::encode(derive(b"Password", b"NaCl", 80_000)),
            "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56"
        );
    }

    #[test]
    fn equal_passwords_get_different_hashes_and_only_the_right_one_matches() {
        let (one, two) = (PasswordHash::new("anna-404"), PasswordHash::new("anna-404"));
        assert_ne!(one.hash, two.hash);
        assert!(one.matches("anna-404"));
        assert!(!one.matches("anna-405"));
    }
}
