//! The checks of the model's server: the model, its context, the fallback model, and the model that transcribes voice.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use shared::env::Env;
use worker::{
    config::{Config, MAX_TOKENS, TRANSCRIBE_MODEL},
    rules::models,
    turn::fallback,
};

use crate::{
    clients::model_server::{Known, ModelServer},
    commands::secrets::model_end,
    deployment::Place,
    terminal::report::Report,
};

/// Checks the models: the first one, the fallback, and the one that transcribes voice.
pub(super) async fn check(report: &mut Report, place: &Place, env: &Env, key: SecretString, now: Timestamp) {
    let name = place.setting("GPT_MODEL", env).unwrap_or_else(|| models::DEFAULT.to_owned());
    let change = place.change("GPT_MODEL", "model");
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
    let change = place.change("FALLBACK_MODEL", "fallbackModel");
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
    let change = place.change("CONTEXT_TOKENS", "contextTokens");
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
            let change = place.change("TRANSCRIBE_MODEL", "transcribeModel");
            report.broken("voice", says, format!("{change}; \"off\" tells people to write instead"));
        }
        Ok(Known::Unclear) | Err(_) => {}
    }
}
