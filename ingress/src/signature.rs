//! LINE's signature: base64 of HMAC-SHA256 over the raw body, keyed with the channel secret
//! (LINE, "Verify webhook signature"). Pure.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// The header that carries the signature; LINE may change the case of its letters.
pub const HEADER: &str = "x-line-signature";

fn mac(secret: &SecretString, body: &[u8]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length (RFC 2104)")]
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).expect("any length");
    mac.update(body);
    mac
}

/// Whether `signature` is the signature of exactly these bytes. They are compared in constant time. With an empty
/// secret, which any stranger knows, no signature is accepted.
pub fn verify(secret: &SecretString, body: &[u8], signature: &[u8]) -> bool {
    let is_right = |given: Vec<u8>| mac(secret, body).verify_slice(&given).is_ok();
    !secret.expose_secret().is_empty() && STANDARD.decode(signature).is_ok_and(is_right)
}

/// Returns the signature of these bytes, as LINE makes it.
pub fn sign(secret: &SecretString, body: &[u8]) -> String {
    STANDARD.encode(mac(secret, body).finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_signature_is_the_published_algorithm() {
        // The value was made with: printf '{"events":[]}' | openssl dgst -sha256 -hmac henji-dev -binary | base64
        let signature = "oy1ORXSgGvYc/GhQzTgPworGgYfZTfESRTilAPBL5Os=";
        assert_eq!(sign(&"henji-dev".into(), br#"{"events":[]}"#), signature);
    }

    #[test]
    fn an_empty_secret_verifies_nothing() {
        assert!(!verify(&"".into(), b"body", sign(&"".into(), b"body").as_bytes()));
    }

    #[test]
    fn what_is_no_signature_is_refused() {
        let secret = "s".into();
        let good = sign(&secret, b"body");
        let bad: [&[u8]; 6] =
            [b"", b"=", b"AAAA", &good.as_bytes()[1..], &good.as_bytes()[..40], "\u{3042}".as_bytes()];
        for signature in bad {
            assert!(!verify(&secret, b"body", signature), "{signature:?}");
        }
    }

    proptest! {
        #[test]
        fn only_the_same_bytes_and_the_same_secret_verify(
            body in proptest::collection::vec(any::<u8>(), 0..200),
            at in any::<prop::sample::Index>(),
            flip in 1u8..,
        ) {
            let secret = "a secret".into();
            let signature = sign(&secret, &body);
            prop_assert!(verify(&secret, &body, signature.as_bytes()));
            prop_assert!(!verify(&"another".into(), &body, signature.as_bytes()));
            let mut other = body.clone();
            other.push(0);
            prop_assert!(!verify(&secret, &other, signature.as_bytes()));
            if !body.is_empty() {
                let mut other = body.clone();
                other[at.index(body.len())] ^= flip;
                prop_assert!(!verify(&secret, &other, signature.as_bytes()));
            }
        }
    }
}
