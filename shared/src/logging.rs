//! The one form of the log: one JSON object a line. What people or the model wrote, secrets, tokens
//! and signatures never reach it; identifiers and numbers do, as fields.

use std::process::ExitCode;

use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    fmt::MakeWriter,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::{env::Env, log, metrics::Metrics};

mod sampled;

pub use sampled::Sampled;

/// The target of what is counted in the figures and never logged, as strangers cause it as often as they like.
pub const FIGURES: &str = "henji_figures";
/// The SDK's own account of how it finds credentials names them.
const DEFAULT: &str = "info,aws_config=error";

/// Logs to `writer` from now on, at level `info`, or what `RUST_LOG`-like `filter` says; panics too, by
/// their places alone. Figures are made whatever the filter leaves out.
pub fn start<W>(writer: W, filter: Option<&str>, metrics: Option<Metrics>)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter: Targets =
        filter.unwrap_or(DEFAULT).parse().unwrap_or_else(|_| Targets::new().with_default(LevelFilter::INFO));
    let filter = filter.with_target(FIGURES, LevelFilter::OFF);
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        // Of the turn, so that each of its lines names the event.
        .with_current_span(true)
        .with_span_list(false)
        // They would go to standard error, and panic where that is gone.
        .log_internal_errors(false)
        .with_writer(writer)
        .with_filter(filter);
    let metrics = metrics.with_filter(LevelFilter::INFO);
    tracing_subscriber::registry().with(lines).with(metrics).init();
    // A panic's own message can quote what people wrote.
    std::panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(ToString::to_string);
        log!(error, Panicked, at, "a panic");
    }));
}

/// The same for a function: on stdout, with the figures that its environment asks for. It serves until it
/// ends, and where it could not start, the log says why.
pub async fn function(
    name: &str,
    env: &Env,
    serve: impl Future<Output = Result<(), Box<dyn std::error::Error + Send + Sync>>>,
) -> ExitCode {
    let (metrics, wrong) = match Metrics::embedded(env) {
        Ok(metrics) => (metrics, None),
        Err(wrong) => (None, Some(wrong)),
    };
    start(std::io::stdout, None, metrics);
    let ended = match wrong {
        None => serve.await,
        Some(wrong) => Err(wrong.into()),
    };
    let Err(error) = ended else { return ExitCode::SUCCESS };
    log!(error, StartFailed, error = %chain(&*error), "the {name} did not start");
    ExitCode::FAILURE
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
