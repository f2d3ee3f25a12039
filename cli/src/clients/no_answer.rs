//! A server that is down, far away, or another one than was meant. No secret and no setting of the bot's
//! mends that.

/// It gave no answer to the question.
#[derive(Debug, thiserror::Error)]
#[error("{base_url}: {why}")]
pub struct NoAnswer {
    /// The server.
    pub base_url: String,
    /// What came instead.
    pub why: String,
    /// What says where it is.
    pub variable: &'static str,
}

impl NoAnswer {
    /// What to look at.
    pub fn mend(&self) -> String {
        format!(
            "not reachable from here: look at this machine's network, a proxy, {}; if they are right, wait for it",
            self.variable
        )
    }
}
