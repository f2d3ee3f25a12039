//! The three secrets, and their check with the services that issued them.

use secrecy::SecretString;
use shared::env::Env;

use crate::clients::{line_channel::Channel, model_server::ModelServer};

/// The secrets that the bot needs (docs/contract.md).
pub const NAMES: [&str; 3] = ["LINE_CHANNEL_SECRET", "LINE_CHANNEL_ACCESS_TOKEN", "OPEN_AI_API_KEY"];

/// Checks a secret with the service that issued it, and returns the result in words; an error if it is refused.
pub async fn verify(name: &str, value: &SecretString, env: &Env) -> anyhow::Result<String> {
    match name {
        "LINE_CHANNEL_ACCESS_TOKEN" => {
            let bot = Channel::new(env, value.clone())?.info().await?.done()?;
            let word = |name: &str| bot[name].as_str().unwrap_or("?").to_owned();
            Ok(format!("LINE takes it, for {} ({})", word("displayName"), word("basicId")))
        }
        "OPEN_AI_API_KEY" => {
            let server = ModelServer::new(env, value.clone())?;
            server.takes_key().await?;
            Ok(format!("{} takes it", server.base_url()))
        }
        // LINE has no call that checks the channel secret; only a signature of LINE shows whether it is right.
        _ => Ok("there; whether LINE signs with it, LINE's own test of the webhook shows".to_owned()),
    }
}
