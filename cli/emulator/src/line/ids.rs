//! The ids that LINE gives to messages, events, tokens and requests.

use uuid::Uuid;

/// Makes the id of a new message.
pub(super) fn message_id() -> String {
    fastrand::u64(10u64.pow(17)..10u64.pow(18)).to_string()
}

pub(super) fn reply_token() -> String {
    format!("{:032x}", fastrand::u128(..))
}

pub(super) fn quote_token() -> String {
    format!("{:032x}{:032x}", fastrand::u128(..), fastrand::u128(..))
}

/// Makes the id of a set of images that are sent at once.
pub(super) fn image_set_id() -> String {
    format!("{:032X}{:032X}", fastrand::u128(..), fastrand::u128(..))
}

/// Makes an id of 48 bits of time and 80 random bits in Crockford's base 32 (github.com/ulid/spec).
pub(super) fn ulid(millis: u64) -> String {
    let bits = (u128::from(millis) << 80) | (fastrand::u128(..) >> 48);
    let digit = |n: u32| char::from(b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"[((bits >> (5 * n)) & 31) as usize]);
    (0..26).rev().map(digit).collect()
}

/// Makes the header with a request's id, which every answer of LINE has.
pub(super) fn request_id() -> (&'static str, String) {
    ("x-line-request-id", Uuid::new_v4().to_string())
}
