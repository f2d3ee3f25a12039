//! The error of the history.

/// The error if the history could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the history did not {doing}")]
pub struct HistoryError {
    /// The method that failed.
    pub doing: &'static str,
    /// Whether another try can help.
    pub passing: bool,
    /// The cause of the error.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}
