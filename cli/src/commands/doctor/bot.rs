//! The checks that every bot needs, on AWS or on one machine: its secrets, its webhook, its month's messages, its
//! model, and the machine's clock.

use std::time::Duration;

use anyhow::anyhow;
use jiff::{SignedDuration, Timestamp};
use local::listeners::webhooks::WEBHOOK_PATH;
use secrecy::SecretString;
use shared::env::Env;
use worker::{
    config::{Config, MAX_TOKENS, TRANSCRIBE_MODEL},
    rules::models,
    turn::fallback,
};

use crate::{
    clients::{
        line_channel::Channel,
        model_server::{Known, ModelServer},
    },
    commands::{
        secrets::{self, model_end},
        webhook,
    },
    deployment::Place,
    terminal::report::Report,
};

/// The largest difference between this machine's clock and LINE's that is accepted.
const SKEW_MAX: SignedDuration = SignedDuration::from_mins(1);

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
                line(report, place, env, token, now).await;
            }
            ("OPEN_AI_API_KEY", Ok(key)) if is_taken => answerer(report, place, env, key, now).await,
            _ => {}
        }
    }
    report.note(
        "console",
        "no API shows \"Webhook redelivery\", which must be on, nor the automatic replies, which must be off",
        "look at the Messaging API tab of https://developers.line.biz/console/",
    );
}

async fn line(report: &mut Report, place: &Place, env: &Env, token: SecretString, now: Timestamp) {
    let Ok(channel) = Channel::new(env, token) else { return };
    let option = place.option();
    let (set, log) = match place {
        Place::Data(_) => {
            (format!("henji webhook set https://…{WEBHOOK_PATH}{option}"), "the log of henji serve says why")
        }
        #[cfg(feature = "aws")]
        Place::Aws(_) => (format!("henji webhook set{option}"), "the ingress' log says why"),
    };
    match webhook::current(&channel).await {
        Err(error) => report.failed("webhook", &error, "try again"),
        Ok(None) => report.broken("webhook", "no address is set", set),
        Ok(Some((endpoint, is_active))) => {
            if let Some(expected) = webhook::address(place).filter(|expected| *expected != endpoint) {
                let says = format!("LINE posts to {endpoint}, and the bot is at {expected}");
                report.broken("webhook", says, set);
            } else if is_active {
                report.ok("webhook", format!("LINE posts to {endpoint}"));
            } else {
                report.broken(
                    "webhook",
                    "\"Use webhook\" is off",
                    "turn it on in the console's Messaging API tab",
                );
            }
            match webhook::test(&channel, place).await {
                Ok((true, says)) => report.ok("webhook test", says),
                Ok((false, says)) => report.broken("webhook test", says, log),
                Err(error) => report.failed("webhook test", &error, "try again"),
            }
        }
    }
    match channel.quota().await {
        Err(error) => report.failed("quota", &error, "try again"),
        Ok((None, used)) => report.ok("quota", format!("no limit; {used} messages this month")),
        Ok((Some(limit), used)) => {
            let left = limit.saturating_sub(used);
            let says = format!("{left} of {limit} messages are left this month");
            match left {
                0 => report.broken(
                    "quota",
                    says,
                    format!("a larger plan, then henji dlq redrive --reason line_quota{option}"),
                ),
                _ if left * 10 < limit => report.note("quota", says, "think of a larger plan"),
                _ => report.ok("quota", says),
            }
        }
    }
    if let Some(clock) = channel.info().await.ok().and_then(|answer| answer.date) {
        let skew = now.duration_since(clock);
        if skew.abs() <= SKEW_MAX {
            report.ok("clock", "this machine's and LINE's agree");
        } else {
            let says = format!("this machine's is {skew:#} off LINE's");
            report.broken(
                "clock",
                says,
                "set it (timedatectl set-ntp true): AWS and LINE refuse what is dated wrongly",
            );
        }
    }
}

async fn answerer(report: &mut Report, place: &Place, env: &Env, key: SecretString, now: Timestamp) {
    let name = place.setting("GPT_MODEL", env).unwrap_or_else(|| models::DEFAULT.to_owned());
    let change = change(place, "GPT_MODEL", "model");
    let Ok(server) = ModelServer::new(env, key) else { return };
    let (base_url, what) = (server.base_url(), server.answerer(&name));
    match server.knows(&name).await {
        Err(error) => report.failed("model", &error, "try again"),
        Ok((Known::No, _)) => report.broken("model", format!("{base_url} knows no {what}"), change),
        Ok((Known::Unclear, _)) => {
            let says = format!("{base_url} does not list {what}; it may answer all the same");
            report.note("model", says, format!("if the bot does not answer, {change}"));
            context(report, place, env, &server, &name).await;
        }
        Ok((Known::Yes, end)) => {
            if !model_end::warn(report, &name, end, now, &change) {
                report.ok("model", format!("{base_url} knows {what}"));
            }
            context(report, place, env, &server, &name).await;
        }
    }
    second_model(report, place, env, &server).await;
    voice(report, place, env, &server).await;
}

/// Checks the fallback model, and that an attempt is long enough for two models.
async fn second_model(report: &mut Report, place: &Place, env: &Env, server: &ModelServer) {
    let Some(name) = place.setting("FALLBACK_MODEL", env) else { return };
    let change = change(place, "FALLBACK_MODEL", "fallbackModel");
    let (base_url, what) = (server.base_url(), server.answerer(&name));
    match server.knows(&name).await {
        Err(error) => return report.failed("fallback", &error, "try again"),
        Ok((Known::No, _)) => {
            return report.broken("fallback", format!("{base_url} knows no {what}"), change);
        }
        Ok((Known::Unclear, _)) => {
            let says = format!("{base_url} does not list {what}; it may answer all the same");
            return report.note("fallback", says, change);
        }
        Ok((Known::Yes, _)) => {}
    }
    let timeout = place.setting("JOB_TIMEOUT_SECONDS", env).and_then(|seconds| seconds.trim().parse().ok());
    let settings = Config::from_env(&place.settings(env));
    match (settings, timeout) {
        (Ok(settings), Some(seconds)) if fallback::is_too_short(&settings, Duration::from_secs(seconds)) => {
            let says = format!("an attempt of {seconds} s is too short to ask {name} after the first model");
            let least = fallback::ATTEMPT_MIN.as_secs();
            report.note("fallback", says, format!("set JOB_TIMEOUT_SECONDS to {least} or more"));
        }
        _ => report.ok("fallback", format!("{name} is asked if the model is unavailable")),
    }
}

/// Compares the context that the bot fills with the context that the server gives. A server that gives none is not
/// reported, unless the bot's own number is a guess.
async fn context(report: &mut Report, place: &Place, env: &Env, server: &ModelServer, name: &str) {
    let set: Option<u32> = place.setting("CONTEXT_TOKENS", env).and_then(|tokens| tokens.trim().parse().ok());
    let model = models::named(name);
    let max_tokens = place.setting("MAX_TOKENS", env).and_then(|tokens| tokens.trim().parse().ok());
    let filled = set.unwrap_or_else(|| model.context_with(max_tokens.unwrap_or(MAX_TOKENS)));
    let is_guess = set.is_none() && !model.is_known;
    let change = change(place, "CONTEXT_TOKENS", "contextTokens");
    let base_url = server.base_url();
    let given = server.context(name).await;
    let bot = format!("the bot fills up to {filled} tokens");
    match given {
        None if is_guess => {
            let says =
                format!("{bot}, which is a guess: neither {base_url} nor Henji knows the context of {name}");
            report.note("context", says, change);
        }
        None => {}
        Some(given) if is_guess && filled > given => {
            let says = format!("{bot}, which is a guess: {base_url} gives {name} {given}");
            report.note("context", says, change);
        }
        Some(given) if is_guess => {
            report
                .ok("context", format!("{base_url} gives {name} {given} tokens, and the bot fills as many"));
        }
        Some(given) if filled > given => {
            let says = format!(
                "{bot}, and {base_url} gives {name} only {given}, so that it may cut or refuse answers"
            );
            report.broken("context", says, change);
        }
        Some(given) => report.ok("context", format!("{bot}, and {base_url} gives {name} {given}")),
    }
}

/// Checks the model that transcribes voice. If the check gives no clear answer, nothing is reported, because a bot
/// that cannot hear notifies the user.
async fn voice(report: &mut Report, place: &Place, env: &Env, server: &ModelServer) {
    let name = place.setting("TRANSCRIBE_MODEL", env).unwrap_or_else(|| TRANSCRIBE_MODEL.to_owned());
    if name == "off" {
        return;
    }
    let (base_url, what) = (server.base_url(), server.listener(&name));
    match server.hears_by(&name).await {
        Ok(Known::Yes) => report.ok("voice", format!("{base_url} knows {what}")),
        Ok(Known::No) => {
            let says = format!("{base_url} knows no {what}, so no voice is answered");
            let change = change(place, "TRANSCRIBE_MODEL", "transcribeModel");
            report.broken("voice", says, format!("{change}; \"off\" tells people to write instead"));
        }
        Ok(Known::Unclear) | Err(_) => {}
    }
}

/// Returns the advice how to change a setting, by its variable or by its name in the deployment's settings.
#[cfg_attr(not(feature = "aws"), expect(unused_variables, reason = "only AWS is deployed by settings"))]
fn change(place: &Place, variable: &str, of_deployment: &str) -> String {
    match place {
        Place::Data(_) => format!("set {variable} in .env, restart henji serve{}", place.option()),
        #[cfg(feature = "aws")]
        Place::Aws(deployment) => {
            format!("set {of_deployment} in cdk/lib/environments.ts, then {}", deployment.deploy())
        }
    }
}
