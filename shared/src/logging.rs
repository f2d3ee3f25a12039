//! The one form of the log: one JSON object a line. What people or the model wrote, secrets, tokens
//! and signatures never reach it; identifiers and numbers do, as fields.

use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

/// Logs to `writer` from now on, at level `info` or what `RUST_LOG`-like `filter` says.
pub fn start<W>(writer: W, filter: Option<&str>)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(filter.unwrap_or("info")).unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_env_filter(filter)
        .with_writer(writer)
        .init();
}

/// An error with all its sources, on one line. Each Display says only its own part.
pub fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |e| e.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
        .replace('\n', " ")
}
