//! The worker Lambda function: wiring only.

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::value::RawValue;
use shared::{env::Env, event::log, logging, traces::Daemon, version::DISPLAY_VERSION};
use tokio::time::Instant;
use worker::{
    config::with_prices,
    lambda::{batch::handle, setup::Setup},
    turn::fallback::warn_if_too_short,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let env = with_prices(Env::of_process());
    logging::function("worker", &env, Box::pin(serve(&env))).await
}

async fn serve(env: &Env) -> Result<(), Error> {
    let setup = &Arc::new(Setup::start(env).await?);
    let daemon = &Daemon::from_env(env);
    log!(info, Started, version = DISPLAY_VERSION.as_str(), "the worker starts");
    setup.clients.config.warn_of_ends(setup.clients.storage.now());
    let is_first = &AtomicBool::new(true);
    run(service_fn(|event: LambdaEvent<Box<RawValue>>| async move {
        // The payload is parsed here, because the error of the Lambda runtime would quote a payload that cannot be
        // parsed.
        let batch = serde_json::from_str(event.payload.get()).map_err(|e| logging::place(&e))?;
        let now = setup.clients.storage.now().as_millisecond();
        let left = event.context.deadline.saturating_sub(u64::try_from(now).unwrap_or(0));
        let left = Duration::from_millis(left);
        if is_first.swap(false, Relaxed) {
            warn_if_too_short(&setup.clients.config, left);
        }
        let end = Instant::now() + left;
        let trace = event.context.xray_trace_id.as_deref();
        Ok::<_, Error>(Box::pin(daemon.within(trace, handle(setup.clone(), batch, end))).await)
    }))
    .await
}
