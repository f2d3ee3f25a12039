//! The configuration of the ingress function, from its environment.

use shared::{
    env::{Env, EnvError},
    prefix::Prefix,
};

/// The variables that stage one reads (docs/contract.md).
pub struct Config {
    /// The prefix of the secrets in the SSM Parameter Store.
    pub base_secret_path: String,
    /// The FIFO queue of jobs.
    pub queue_url: String,
    /// The prefix that calls the bot in groups, in addition to a mention.
    pub group_prefix: Option<Prefix>,
}

impl Config {
    /// Reads the variables. An error names the variable that is missing or wrong.
    pub fn from_env(env: &Env) -> Result<Self, EnvError> {
        Ok(Self {
            base_secret_path: env.required("BASE_SECRET_PATH")?.to_owned(),
            queue_url: env.required_url("QUEUE_URL")?,
            group_prefix: Prefix::from_env(env)?,
        })
    }
}
