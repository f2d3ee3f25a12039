//! The worker Lambda function: wiring only.

use std::{process::ExitCode, sync::Arc, time::Duration};

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{LambdaEvent, run, service_fn};
use shared::{env::Env, logging};
use tokio::time::Instant;
use worker::batch::Function;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    logging::start(std::io::stdout, None);
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = %logging::chain(&*error), "the worker did not start");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let function = &Arc::new(Function::start(&Env::of_process()).await?);
    run(service_fn(|event: LambdaEvent<SqsEvent>| async move {
        let now = (function.worker.clock)().as_millisecond();
        let left = event.context.deadline.saturating_sub(u64::try_from(now).unwrap_or(0));
        let end = Instant::now() + Duration::from_millis(left);
        Ok::<_, std::convert::Infallible>(Box::pin(function.handle(event.payload, end)).await)
    }))
    .await
}
