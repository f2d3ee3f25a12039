//! The checks that every bot needs, on AWS or on one machine: its secrets, and with each secret what it opens: LINE and
//! the model's server.

use anyhow::anyhow;
use jiff::Timestamp;
use shared::env::Env;

use super::{line, model};
use crate::{commands::secrets, deployment::Place, terminal::report::Report};

/// Runs all these checks.
pub(super) async fn check(report: &mut Report, place: &Place, env: &Env, now: Timestamp) {
    let env = &place.settings(env);
    for name in secrets::NAMES {
        let secret = place.secret(name, env).await;
        let said = match &secret {
            Ok(value) => secrets::verify(name, value, env).await,
            Err(error) => Err(anyhow!("{error:#}")),
        };
        // If the server refuses the secret or does not answer, further checks with this secret would fail too.
        let is_taken = said.is_ok();
        report.judge(name, said, place.put());
        match (name, secret) {
            ("LINE_CHANNEL_ACCESS_TOKEN", Ok(token)) if is_taken => {
                line::check(report, place, env, token, now).await;
            }
            ("OPEN_AI_API_KEY", Ok(key)) if is_taken => model::check(report, place, env, key, now).await,
            _ => {}
        }
    }
    report.note(
        "console",
        "no API shows \"Webhook redelivery\", which must be on, nor the automatic replies, which must be off",
        "look at the Messaging API tab of https://developers.line.biz/console/",
    );
}
