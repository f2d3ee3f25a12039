//! The place of the bot that a command works on: a directory of `henji serve`, or a deployment on AWS. A deployment
//! has written its addresses as plain parameters beside its secrets.

use std::path::PathBuf;

use anyhow::anyhow;
use secrecy::SecretString;
use shared::env::Env;
use worker::rules::models;

#[cfg(feature = "aws")]
pub mod aws;

/// The error message of a build without AWS.
#[cfg(not(feature = "aws"))]
pub const NO_AWS: &str = "this henji was built without AWS: cargo build --release --package cli";

/// The arguments that select the bot.
#[derive(Clone, Debug, clap::Args)]
pub struct PlaceArgs {
    /// A deployment on AWS: `dev`, `prod`
    ///
    /// Its addresses are read below `/henji/{env}/` in the Parameter Store, or below `BASE_SECRET_PATH` if that is set.
    /// Without this option, `QUEUE_URL`, `DLQ_URL` and `DB_TABLE_NAME_POSTFIX` are used if the first two are set.
    #[arg(long, global = true, conflicts_with = "data")]
    pub env: Option<String>,
    /// The directory of `henji serve`, which may be running [default: henji-data]
    #[arg(long, global = true)]
    data: Option<PathBuf>,
}

/// The place of a bot.
pub enum Place {
    /// A directory of `henji serve`.
    Data(PathBuf),
    /// A deployment on AWS.
    #[cfg(feature = "aws")]
    Aws(Box<aws::Deployment>),
}

/// The place of a bot's secrets.
pub enum Secrets {
    /// The place of a bot that exists.
    Of(Place),
    /// The parameters below the prefix of an environment, which need not be deployed yet.
    #[cfg(feature = "aws")]
    Store(aws::Store),
}

impl Secrets {
    /// Reads the secret of this name.
    pub async fn secret(&self, name: &str, env: &Env) -> anyhow::Result<SecretString> {
        match self {
            Self::Of(place) => place.secret(name, env).await,
            #[cfg(feature = "aws")]
            Self::Store(store) => store.required(name).await,
        }
    }

    /// Returns the name of the bot's model. Before a deployment it is the default.
    #[cfg_attr(not(feature = "aws"), expect(clippy::unused_async, reason = "only the AWS variant awaits"))]
    pub async fn model(&self, env: &Env) -> String {
        let name = match self {
            Self::Of(place) => place.setting("GPT_MODEL", env),
            #[cfg(feature = "aws")]
            Self::Store(store) => store.setting("GPT_MODEL").await,
        };
        name.unwrap_or_else(|| models::DEFAULT.to_owned())
    }

    /// Returns the advice how to set a secret.
    pub fn put(&self) -> String {
        match self {
            Self::Of(place) => place.put(),
            #[cfg(feature = "aws")]
            Self::Store(store) => store.command(),
        }
    }
}

impl PlaceArgs {
    /// Finds the bot; on AWS it reads the addresses of the deployment.
    #[cfg_attr(not(feature = "aws"), expect(clippy::unused_async, reason = "only the AWS variant awaits"))]
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
        anyhow::bail!(NO_AWS)
    }

    /// Finds the secrets. This works also before the environment is deployed.
    pub async fn secrets(&self, env: &Env) -> anyhow::Result<Secrets> {
        #[cfg(feature = "aws")]
        if let Some(name) = &self.env {
            return Ok(Secrets::Store(aws::Store::open(name, env).await?));
        }
        Ok(Secrets::Of(self.find(env).await?))
    }
}

impl Place {
    /// Returns the option by which commands select this bot, with a leading space.
    pub fn option(&self) -> String {
        match self {
            Self::Data(data) => format!(" --data {}", data.display()),
            #[cfg(feature = "aws")]
            Self::Aws(deployment) => deployment.option.clone(),
        }
    }

    /// Returns the settings that the bot runs with, as far as they are known here. On AWS the deployment's parameters
    /// go before the environment.
    pub fn settings(&self, env: &Env) -> Env {
        match self {
            Self::Data(_) => env.clone(),
            #[cfg(feature = "aws")]
            Self::Aws(deployment) => Env::of(deployment.plain.clone()).or(env.clone()),
        }
    }

    /// Returns a setting of the bot itself. On AWS it comes from the deployment, because the operator's environment may
    /// be for another bot.
    pub fn setting(&self, name: &str, env: &Env) -> Option<String> {
        match self {
            Self::Data(_) => env.optional(name).ok().flatten().map(str::to_owned),
            #[cfg(feature = "aws")]
            Self::Aws(deployment) => deployment.plain.get(name).cloned(),
        }
    }

    /// Reads one of the bot's secrets: on AWS from the Parameter Store, else from the environment or `.env`.
    #[cfg_attr(not(feature = "aws"), expect(clippy::unused_async, reason = "only the AWS variant awaits"))]
    pub async fn secret(&self, name: &str, env: &Env) -> anyhow::Result<SecretString> {
        match self {
            Self::Data(_) => Ok(env.secret(name)?),
            #[cfg(feature = "aws")]
            Self::Aws(deployment) => deployment.secret(name, env).await,
        }
    }

    /// Does the same for a command that needs the secret: the error says how to set it.
    pub async fn required(&self, name: &str, env: &Env) -> anyhow::Result<SecretString> {
        self.secret(name, env).await.map_err(|error| anyhow!("{error:#}: {}", self.put()))
    }

    /// Returns the advice how to change a setting, by its variable or by its name in the deployment's settings.
    #[cfg_attr(not(feature = "aws"), expect(unused_variables, reason = "only AWS is deployed by settings"))]
    pub fn change(&self, variable: &str, of_deployment: &str) -> String {
        match self {
            Self::Data(_) => format!("set {variable} in .env, restart henji serve{}", self.option()),
            #[cfg(feature = "aws")]
            Self::Aws(deployment) => {
                format!("set {of_deployment} in cdk/lib/environments.ts, then {}", deployment.deploy())
            }
        }
    }

    /// Returns the advice how to set a secret of this bot.
    pub fn put(&self) -> String {
        match self {
            Self::Data(data) => {
                format!("write it into .env (.env.example), restart henji serve --data {}", data.display())
            }
            #[cfg(feature = "aws")]
            Self::Aws(deployment) => match &deployment.store {
                Some(store) => store.command(),
                None => "set it in the environment of this command".to_owned(),
            },
        }
    }
}
