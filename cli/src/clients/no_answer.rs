//! The error of a server that is down, not reachable, or not the intended one. A new secret or another setting of
//! the bot does not fix that.

/// The error of a server that gave no usable answer.
#[derive(Debug, thiserror::Error)]
#[error("{base_url}: {why}")]
pub struct NoAnswer {
    /// The base URL of the server.
    pub base_url: String,
    /// The status of the answer; `None` if there was no answer.
    pub status: Option<u16>,
    /// The reason: what came in place of a usable answer.
    pub why: String,
    /// The name of the environment variable that sets the base URL.
    pub variable: &'static str,
}

impl NoAnswer {
    /// Returns the advice for the operator.
    pub fn fix(&self) -> String {
        let variable = self.variable;
        let Some(status) = self.status else {
            return format!(
                "not reachable from here: look at this machine's network, a proxy, {variable}; if they are right, wait for it"
            );
        };
        match status {
            300..=399 => format!("the server is at another address: set {variable} to it"),
            402 => "the account has no money left: look at its credit".to_owned(),
            404 | 405 | 410 => {
                format!("the server has no such path: correct {variable}, which usually ends in /v1")
            }
            407 | 511 => "a proxy wants a name and a password: look at this machine's network".to_owned(),
            408 | 425 | 500..=599 => {
                format!(
                    "the server has a fault or too much to do: look at {variable}; if it is right, wait for it"
                )
            }
            429 => "the server takes no more requests now: wait, or look at the account's limits and credit"
                .to_owned(),
            _ => format!(
                "the server is there and refuses the request itself: is {variable} of a server with this API?"
            ),
        }
    }
}
