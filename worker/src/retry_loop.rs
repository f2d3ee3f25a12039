//! A loop that repeats work until it succeeds or must end.

use std::time::Duration;

use tokio::time::sleep;

/// Does `work` until it succeeds. After a failure it calls `pause` with the number of tries before the failed one and
/// the failure; `pause` returns the pause before the next try, or the failure that ends the loop.
pub(crate) async fn retry<T, E, F: Future<Output = Result<T, E>>>(
    mut work: impl FnMut() -> F,
    mut pause: impl FnMut(u32, E) -> Result<Duration, E>,
) -> Result<T, E> {
    let mut tries = 0;
    loop {
        match work().await {
            Ok(done) => return Ok(done),
            Err(error) => sleep(pause(tries, error)?).await,
        }
        tries += 1;
    }
}
