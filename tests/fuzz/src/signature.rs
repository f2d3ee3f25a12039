//! The signature: only the one text that LINE would write is accepted as LINE's.

use ingress::signature::{sign, verify};

use crate::number;

/// The secret of the kept inputs.
pub const SECRET: &str = "henji-dev";

/// Checks a signature and a body; the first byte is the length of the signature. Returns whether it is valid.
pub fn holds(data: &[u8]) -> bool {
    let (length, rest) = number(data);
    let (given, body) = rest.split_at(length.min(rest.len()));
    let right = sign(&SECRET.into(), body);
    assert!(verify(&SECRET.into(), body, right.as_bytes()));
    assert!(!verify(&"another".into(), body, given));
    assert!(!verify(&"".into(), body, given));
    let taken = verify(&SECRET.into(), body, given);
    assert_eq!(taken, given == right.as_bytes(), "two texts are the same signature");
    taken
}
