//! Where a command finds the bot that it is about: a directory of `henji serve`, or a deployment on AWS,
//! whose addresses the deployment itself wrote down as plain parameters beside its secrets.

use std::path::PathBuf;

use secrecy::SecretString;
use shared::env::Env;

#[cfg(feature = "aws")]
pub mod aws;

/// The arguments that say where.
#[derive(Clone, Debug, clap::Args)]
pub struct Where {
    /// A deployment on AWS: `dev`, `prod`
    ///
    /// Its addresses are read below `/henji/{env}/` in the Parameter Store, or below `BASE_SECRET_PATH`
    /// where that is set. Without this, `QUEUE_URL`, `DLQ_URL` and `DB_TABLE_NAME_POSTFIX` are used where the first two
    /// are set.
    #[arg(long, global = true, conflicts_with = "data")]
    env: Option<String>,
    /// The directory of `henji serve`, which may be running [default: henji-data]
    #[arg(long, global = true)]
    data: Option<PathBuf>,
}

/// Where.
pub enum Place {
    /// A directory of `henji serve`.
    Data(PathBuf),
    /// A deployment.
    #[cfg(feature = "aws")]
    Aws(Box<aws::Deployment>),
}

impl Where {
    /// Finds it; on AWS its addresses are read.
    #[cfg_attr(not(feature = "aws"), expect(clippy::unused_async, reason = "only AWS is waited for"))]
    pub async fn find(&self, env: &Env) -> anyhow::Result<Place> {
        if let Some(data) = &self.data {
            return Ok(Place::Data(data.clone()));
        }
        let is_told = env.optional("QUEUE_URL")?.is_some() && env.optional("DLQ_URL")?.is_some();
        if self.env.is_none() && !is_told {
            return Ok(Place::Data("henji-data".into()));
        }
        #[cfg(feature = "aws")]
        return Ok(Place::Aws(Box::new(aws::Deployment::find(self.env.as_deref(), env).await?)));
        #[cfg(not(feature = "aws"))]
        anyhow::bail!("this henji was built without AWS: cargo build --release --package cli")
    }
}

impl Place {
    /// One of the bot's secrets: on AWS from the Parameter Store, else from the environment or `.env`.
    #[cfg_attr(not(feature = "aws"), expect(clippy::unused_async, reason = "only AWS is waited for"))]
    pub async fn secret(&self, name: &str, env: &Env) -> anyhow::Result<SecretString> {
        match self {
            Self::Data(_) => Ok(env.secret(name)?),
            #[cfg(feature = "aws")]
            Self::Aws(deployment) => deployment.secret(name, env).await,
        }
    }
}
