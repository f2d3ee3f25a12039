//! The one form of the log: one JSON object a line. What people or the model wrote, secrets, tokens
//! and signatures never reach it; identifiers and numbers do, as fields.

use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    fmt::MakeWriter,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// The SDK's own account of how it finds credentials names them.
const DEFAULT: &str = "info,aws_config=error";

/// Logs to `writer` from now on, at level `info`, or what `RUST_LOG`-like `filter` says; panics too, by
/// their places alone.
pub fn start<W>(writer: W, filter: Option<&str>)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter: Targets =
        filter.unwrap_or(DEFAULT).parse().unwrap_or_else(|_| Targets::new().with_default(LevelFilter::INFO));
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(writer);
    tracing_subscriber::registry().with(filter).with(lines).init();
    // A panic's own message can quote what people wrote.
    std::panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(ToString::to_string);
        tracing::error!(at, "a panic");
    }));
}

/// Where a text is no JSON of the expected form. The parser's own message can quote the text.
pub fn place(error: &serde_json::Error) -> String {
    format!("{:?} error at line {} column {}", error.classify(), error.line(), error.column())
}

/// An error with all its sources, on one line. Each Display says only its own part.
pub fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |e| e.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
        .replace('\n', " ")
}
