//! The error of a server that is down, not reachable, or not the intended one. A new secret or another setting of
//! the bot does not fix that.

/// The error of a server that gave no usable answer.
#[derive(Debug, thiserror::Error)]
#[error("{base_url}: {why}")]
pub struct NoAnswer {
    /// The base URL of the server.
    pub base_url: String,
    /// The reason: what came in place of an answer.
    pub why: String,
    /// The name of the environment variable that sets the base URL.
    pub variable: &'static str,
}

impl NoAnswer {
    /// Returns the advice for the operator.
    pub fn fix(&self) -> String {
        format!(
            "not reachable from here: look at this machine's network, a proxy, {}; if they are right, wait for it",
            self.variable
        )
    }
}
