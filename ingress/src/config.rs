//! What the ingress function is told by its environment.

use shared::{
    env::{Env, EnvError},
    prefix::Prefix,
};

/// The variables that stage one reads (docs/contract.md).
pub struct Config {
    /// Prefix of the secrets in the SSM Parameter Store.
    pub base_secret_path: String,
    /// The FIFO queue of jobs.
    pub queue_url: String,
    /// What calls the bot in groups, beside a mention.
    pub group_prefix: Option<Prefix>,
}

impl Config {
    /// Reads it, or names the variable that is missing.
    pub fn from_env(env: &Env) -> Result<Self, EnvError> {
        Ok(Self {
            base_secret_path: env.required("BASE_SECRET_PATH")?.to_owned(),
            queue_url: env.required_url("QUEUE_URL")?,
            group_prefix: Prefix::from_env(env)?,
        })
    }
}
