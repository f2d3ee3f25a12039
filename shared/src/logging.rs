//! The format of the log: one JSON object in each line. The words of people and of the model, secrets, tokens and
//! signatures are never logged. Identifiers and numbers are logged, as fields.

use std::process::ExitCode;

use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    fmt::MakeWriter,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::{
    env::Env,
    event::{COUNTED_ONLY, log},
    metrics::Metrics,
};

mod sampled;

pub use sampled::LimitedLog;

/// The default filter. It leaves out the SDK's log lines about its search for credentials, because they name the
/// credentials.
const DEFAULT: &str = "info,aws_config=error";

/// Logs to `writer` from now on, at level `info`, or as `filter` says in the form of `RUST_LOG`. Panics are logged,
/// too, but only by their places. Metrics are also made of lines that the filter leaves out.
pub fn start<W>(writer: W, filter: Option<&str>, metrics: Option<Metrics>)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter: Targets =
        filter.unwrap_or(DEFAULT).parse().unwrap_or_else(|_| Targets::new().with_default(LevelFilter::INFO));
    let filter = filter.with_target(COUNTED_ONLY, LevelFilter::OFF);
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        // The span is the turn's, so that each line of the turn names the event.
        .with_current_span(true)
        .with_span_list(false)
        // These errors would go to standard error, and would cause a panic if that is closed.
        .log_internal_errors(false)
        .with_writer(writer)
        .with_filter(filter);
    let metrics = metrics.with_filter(LevelFilter::INFO);
    tracing_subscriber::registry().with(lines).with(metrics).init();
    // A panic's own message can quote a person's words.
    std::panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(ToString::to_string);
        log!(error, Panicked, at, "a panic");
    }));
}

/// Does the same for a function: it logs to stdout, with the metrics that its environment asks for. It runs `serve`
/// until that ends. If the function could not start, the log says why.
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

/// Returns the place where a text is not JSON of the expected form. The parser's own message can quote the text.
pub fn place(error: &serde_json::Error) -> String {
    format!("{:?} error at line {} column {}", error.classify(), error.line(), error.column())
}

/// Returns an error with all its sources, on one line. Each `Display` shows only its own part.
pub fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |e| e.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
        .replace('\n', " ")
}
