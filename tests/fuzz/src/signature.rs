//! The signature: nothing is taken for LINE's but the one text that LINE would have written.

use ingress::signature::{sign, verify};

use crate::number;

/// The secret of the inputs that are kept.
pub const SECRET: &str = "henji-dev";

/// The first byte says how long the signature is, which the body follows.
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
