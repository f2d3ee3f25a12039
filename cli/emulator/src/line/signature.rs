//! LINE's signature: base64 of HMAC-SHA256 over the raw body, keyed with the channel secret (LINE, "Verify webhook
//! signature").

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// The header that carries the signature.
pub const HEADER: &str = "x-line-signature";

/// Signs these bytes.
pub(super) fn sign(secret: &SecretString, body: &[u8]) -> String {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length (RFC 2104)")]
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).expect("any length");
    mac.update(body);
    STANDARD.encode(mac.finalize().into_bytes())
}

/// Whether the signature of these bytes is right.
pub fn is_signed(secret: &SecretString, body: &[u8], signature: &[u8]) -> bool {
    sign(secret, body).as_bytes() == signature
}
