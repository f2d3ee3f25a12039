//! Stories of the whole pipeline, told against the real parts: the product's own servers and programs,
//! SQLite on disk, and stand-ins for LINE and the model over HTTP.
#![expect(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "nobody reads a test's documentation, its name says it; and it fails by panicking"
)]

// The functions on Lambda, with AWS stood in for.
mod aws;
// What both histories promise.
mod history;
