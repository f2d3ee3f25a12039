//! The checks of the LINE channel: its webhook, its chat mode, the look of its personas, its staff, and
//! the machine's clock.

use jiff::{SignedDuration, Timestamp};
use local::listeners::webhooks::WEBHOOK_PATH;
use secrecy::SecretString;
use serde_json::Value;
use shared::{env::Env, job::ConversationId};
use worker::{
    config::{Config, handoff},
    text::messages::{Reply, Sender, pushes},
};

use super::{month, webhook_test};
use crate::{clients::line_channel::Channel, commands::webhook, deployment::Place, terminal::report::Report};

/// The largest difference between this machine's clock and LINE's that is accepted.
const SKEW_MAX: SignedDuration = SignedDuration::from_mins(1);

/// Runs all these checks.
pub(super) async fn check(
    report: &mut Report,
    place: &Place,
    env: &Env,
    token: SecretString,
    now: Timestamp,
) {
    let Ok(channel) = Channel::new(env, token) else { return };
    webhook(report, place, &channel, now).await;
    month::check(report, place, env, &channel, now).await;
    personas(report, place, env, &channel).await;
    staff(report, place, env, &channel).await;
    let Ok(info) = channel.info().await else { return };
    chat_mode(report, &info.body);
    if let Some(clock) = info.date {
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

async fn webhook(report: &mut Report, place: &Place, channel: &Channel, now: Timestamp) {
    let option = place.option();
    let (set, log) = match place {
        Place::Data(_) => {
            (format!("henji webhook set https://…{WEBHOOK_PATH}{option}"), "the log of henji serve says why")
        }
        #[cfg(feature = "aws")]
        Place::Aws(_) => (format!("henji webhook set{option}"), "the ingress' log says why"),
    };
    let (endpoint, is_active) = match webhook::current(channel).await {
        Err(error) => return report.failed("webhook", &error, "try again"),
        Ok(None) => return report.broken("webhook", "no address is set", set),
        Ok(Some(current)) => current,
    };
    if let Some(expected) = webhook::address(place).filter(|expected| *expected != endpoint) {
        let says = format!("LINE posts to {endpoint}, and the bot is at {expected}");
        report.broken("webhook", says, set);
    } else if is_active {
        report.ok("webhook", format!("LINE posts to {endpoint}"));
    } else {
        let fix = "turn it on in the console's Messaging API tab";
        report.broken("webhook", "\"Use webhook\" is off", fix);
    }
    if let Some(minutes) = webhook_test::minutes_since(place, &endpoint, now) {
        let again =
            format!("LINE allows 60 an hour, so it is not repeated; henji webhook test{option} does it");
        return report.ok("webhook test", format!("LINE's test passed {minutes} minute(s) ago; {again}"));
    }
    match webhook::test(channel, place).await {
        Ok((true, says)) => {
            webhook_test::note(place, &endpoint, now);
            report.ok("webhook test", says);
        }
        Ok((false, says)) => report.broken("webhook test", says, log),
        Err(error) => report.failed("webhook test", &error, "try again"),
    }
}

/// Asks LINE whether it would take a message with the name and icon of each persona.
async fn personas(report: &mut Report, place: &Place, env: &Env, channel: &Channel) {
    let Ok(Config { personas: Some(personas), .. }) = Config::from_env(&place.settings(env)) else { return };
    let Ok(to) = ConversationId::of_known_id("U".to_owned()) else { return };
    let mut is_well = true;
    for persona in &personas.0 {
        let sender = Some(Sender::new(&persona.name, persona.icon.as_deref()));
        let body = pushes(&to, &Reply { sender, ..Reply::from("…") }).concat();
        let push: Value = serde_json::from_str(&body).unwrap_or_default();
        match channel.validate(&push["messages"]).await {
            Ok(None) => {}
            Ok(Some(words)) => {
                is_well = false;
                let says = format!("LINE refuses a message of \"{}\": {words}", persona.name);
                report.broken("personas", says, place.change("PERSONAS", "personas"));
            }
            Err(error) => return report.failed("personas", &error, "try again"),
        }
    }
    if is_well && !personas.0.is_empty() {
        let count = personas.0.len();
        report.ok("personas", format!("LINE takes a message with the name and icon of each of {count}"));
    }
}

/// Checks the user or group that a person's wish for the staff goes to.
async fn staff(report: &mut Report, place: &Place, env: &Env, channel: &Channel) {
    let change = place.change(handoff::NAME, "handoffTo");
    let staff = match handoff::parse(place.setting(handoff::NAME, env).as_deref()) {
        Ok(Some(staff)) => staff,
        Ok(None) => return report.ok(handoff::NAME, "it is not set: nobody can ask for the staff"),
        Err(error) => return report.failed(handoff::NAME, &error.into(), change),
    };
    let (what, so_that) = if staff.is_private() {
        ("user", "this user must be a friend of the bot and not block it")
    } else {
        ("group", "the bot must be in this group")
    };
    match channel.knows(&staff).await {
        Ok(true) => report.ok(handoff::NAME, format!("LINE knows the {what} of the staff")),
        Ok(false) => {
            let says = format!("LINE does not know the {what} of the staff, who cannot be told");
            report.broken(handoff::NAME, says, format!("{so_that}; else {change}"));
        }
        Err(error) => report.failed(handoff::NAME, &error, "try again"),
    }
}

/// Says what follows from the chat mode (LINE, "Get bot info").
fn chat_mode(report: &mut Report, info: &Value) {
    match info["chatMode"].as_str() {
        Some("chat") => report.ok(
            "chat mode",
            "chat is on: staff may answer beside the bot in LINE Official Account Manager, and a message is read \
             only once the bot or they mark it so",
        ),
        Some("bot") => report.ok(
            "chat mode",
            "chat is off: only the bot answers, and each message is marked as read when it arrives",
        ),
        _ => {}
    }
}
