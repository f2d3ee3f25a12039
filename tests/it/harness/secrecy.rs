//! The private data that no output may hold: secrets, tokens, signatures, and the texts of people and the model
//! (ARCHITECTURE.md, invariant 10). The harness checks every log, every answer of `/healthz` and `/metrics`, and
//! every command of every story, so it also covers each new story.

use std::{
    collections::BTreeSet,
    io,
    sync::{Mutex, MutexGuard, Once, PoisonError},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use emulator::{faults::Fault, line::PUSH};
use serde_json::Value;
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::{
    harness::{
        chat::{Chat, said, says, story},
        lambda::cloud::VALUES,
        local::Bot,
        log_lines::{Kind, lines_of},
    },
    media::{answers, voice},
};

/// The fields with texts of people and the model, and with tokens that permit an answer.
const WORDS: [&str; 9] = [
    "text",
    "content",
    "title",
    "address",
    "fileName",
    "replyToken",
    "quoteToken",
    "markAsReadToken",
    "authorization",
];
/// The shortest ASCII text that is searched for: a shorter one may be part of a log's own words.
const TELLING: usize = 10;
/// The number of characters of a text that give it away.
const BEGINNING: usize = 40;
/// The most texts of a story: each is searched for in all of its log.
const WORDS_MAX: usize = 300;
/// The most bytes of this process's log that are kept.
const LOG_MAX: usize = 32 << 20;

/// The texts that a story's people and model wrote so far.
#[derive(Default)]
pub struct Private(Mutex<BTreeSet<String>>);

impl Private {
    /// Notes everything private in a webhook, a job, or a request to LINE or the model.
    pub fn notes(&self, body: &Value) {
        match body {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match value {
                        Value::String(text) if WORDS.contains(&name.as_str()) => self.notes_text(text),
                        // A function's event holds a webhook, or jobs, in a string.
                        Value::String(text) if name == "body" => {
                            let bytes = STANDARD.decode(text).unwrap_or_else(|_| text.clone().into_bytes());
                            self.notes(&serde_json::from_slice(&bytes).unwrap_or_default());
                        }
                        other => self.notes(other),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.notes(item)),
            _ => {}
        }
    }

    pub fn notes_text(&self, text: &str) {
        let text: String = text.trim().chars().take(BEGINNING).collect();
        let mut words = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if (!text.is_ascii() || text.len() >= TELLING) && words.len() < WORDS_MAX {
            words.insert(text);
        }
    }

    /// Asserts that this output of `whom` holds nothing private.
    pub fn is_not_in(&self, shown: &str, whom: &str) {
        let words = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let secrets = VALUES.iter().map(|(_, secret)| *secret);
        for private in secrets.chain(words.iter().map(String::as_str)) {
            // The text is searched for as it is, and as JSON writes it.
            let json = Value::from(private).to_string();
            for form in [private, json.trim_matches('"')] {
                let found = shown.find(form);
                let line = |at: usize| shown[..at].lines().last().unwrap_or("").to_owned() + form;
                assert!(found.is_none(), "{whom} printed {form:?}: {}", found.map_or(String::new(), line));
            }
        }
    }
}

/// The log, and the number of bytes that were dropped from its beginning.
static LOG: Mutex<(Vec<u8>, usize)> = Mutex::new((vec![], 0));

fn log() -> MutexGuard<'static, (Vec<u8>, usize)> {
    LOG.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps the log of all bots in this process from now on; returns its length so far.
pub fn logged_so_far() -> usize {
    static START: Once = Once::new();
    START.call_once(|| {
        let own = ["ingress", "worker", "cli", "local", "emulator", "shared"]
            .map(|name| (name, LevelFilter::TRACE));
        let all = Targets::new().with_targets(own).with_default(LevelFilter::INFO);
        let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(|| Kept);
        tracing_subscriber::registry().with(lines).with(all).init();
    });
    let (kept, gone) = &*log();
    gone + kept.len()
}

/// Returns the log from this place.
pub fn logged_since(start: usize) -> String {
    let (kept, gone) = &*log();
    String::from_utf8_lossy(&kept[start.saturating_sub(*gone)..]).into_owned()
}

struct Kept;

impl io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (kept, gone) = &mut *log();
        kept.extend_from_slice(bytes);
        if kept.len() > LOG_MAX {
            *gone += kept.drain(..LOG_MAX / 2).len();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
#[should_panic(expected = "a log printed")]
fn what_is_private_is_found_in_a_log_that_tells_it() {
    let private = Private::default();
    private.notes(&serde_json::json!({ "events": [{ "message": { "text": "say \"nothing\" of it" } }] }));
    private.is_not_in("a line\n{\"message\":\"of say \\\"nothing\\\" of it\"}\n", "a log");
}

story!(a_secret_that_the_model_repeats_reaches_nobody, "MAX_ATTEMPTS" = "1");

mod told {
    use super::*;

    pub(super) async fn a_secret_that_the_model_repeats_reaches_nobody(chat: &dyn Chat) {
        for repeated in
            ["an-api-key", "an-api-ke", "AN-API-KEY", "an-ap~-key", "an-access-token", "n-access-token"]
        {
            chat.model().plan_answer(&format!("It is {repeated}!"));
            chat.takes(says("what is the key?")).await;
            chat.drains().await;
            assert_eq!(said(chat).pop().unwrap(), "It is [redacted]!", "{repeated}");
            assert!(!chat.kept().await.contains(repeated), "{repeated} is kept");
        }
        let spoken = voice(chat, "my key is an-api-key");
        assert_eq!(answers(chat, spoken).await.split_off(6)[0], "🎤 “my key is [redacted]”");
        // Letters and logs hold the code that a server gives its refusal.
        for (repeated, in_header) in [("an-api-key", "req_an-api-key"), ("n-api-key_is_wrong", "an-api-ke")] {
            let error = serde_json::json!({ "error": { "code": repeated, "message": repeated } }).to_string();
            let id = ("x-request-id", in_header.to_owned());
            chat.model().plan_fault(Fault::Respond(400, vec![id], error));
            chat.takes(says("and now?")).await;
            chat.drains().await;
        }
        let id = ("x-line-request-id", "an-access-token".to_owned());
        chat.line().faults.plan_next(PUSH, Fault::Respond(400, vec![id], "{}".into()));
        chat.takes(says("push it")).await;
        chat.drains().await;
        assert_eq!(chat.letters().await, 3);
        let details = chat.details().await;
        assert!(
            details.iter().all(|detail| !detail.contains("api-k") && !detail.contains("token")),
            "{details:?}"
        );
        assert!(
            details.iter().filter(|detail| *detail == "status 400 ?, request ?").count() == 2,
            "{details:?}"
        );
    }
}

#[tokio::test]
async fn what_a_bot_logs_is_what_is_searched() {
    let (bot, start) = (Bot::start().await, logged_so_far());
    bot.hears("hi").await;
    bot.drain().await;
    assert!(!lines_of(&logged_since(start), Kind::Turn).is_empty());
}
