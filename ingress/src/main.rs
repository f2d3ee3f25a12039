//! The ingress Lambda function. It only connects the parts.

use std::{
    process::ExitCode,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use ingress::{
    accept::{BUDGET, Ingress},
    adapters::sqs::{SqsQueue, traced},
    config::Config,
    lambda,
};
use lambda_runtime::{LambdaEvent, run, service_fn};
use serde_json::value::RawValue;
use shared::{
    adapters::{sdk::sdk_config, ssm::ParameterStore},
    env::Env,
    event::log,
    logging::{self, LimitedLog},
    secret::Secret,
    traces::Daemon,
    version::DISPLAY_VERSION,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let env = Env::of_process();
    logging::function("ingress", &env, Box::pin(serve(&env))).await
}

async fn serve(env: &Env) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let config = Config::from_env(env)?;
    let sdk = sdk_config(env, BUDGET).await?;
    let secret = ParameterStore::new(&sdk, &config.base_secret_path).parameter("LINE_CHANNEL_SECRET");
    let queue = Arc::new(SqsQueue::new(&sdk, &config.queue_url));
    let (secret, ()) = tokio::join!(Secret::of_parameter(secret), queue.connect());
    let group_prefix = config.group_prefix;
    log!(info, Started, version = DISPLAY_VERSION.as_str(), "the ingress starts");
    let (clock, refused) = (Arc::new(wall_clock), LimitedLog::default());
    let ingress = &Ingress { secret, queue, budget: BUDGET, group_prefix, clock, refused };
    let daemon = &Daemon::from_env(env);
    run(service_fn(|event: LambdaEvent<Box<RawValue>>| async move {
        let trace = event.context.xray_trace_id;
        let handled = daemon.within(trace.as_deref(), lambda::handle(ingress, &event.payload));
        // The future is boxed, because the runtime moves it several times.
        Ok::<_, std::convert::Infallible>(Box::pin(traced(trace.clone(), handled)).await)
    }))
    .await
}

#[expect(clippy::disallowed_methods, reason = "this is the source of the clock")]
fn wall_clock() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
