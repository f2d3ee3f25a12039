//! The answers of model servers, from their raw bytes to what people see and what is paid for. Each file of
//! `tests/fixtures/model-answers` is an answer as it comes on the wire; public reports describe a server that sends it.

use std::{
    collections::VecDeque,
    path::Path,
    sync::{Arc, Mutex},
};

use emulator::model::see;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::harness::local::Bot;

/// A model's server that sends these bytes, and then good answers.
pub struct RawModel {
    pub origin: String,
    answers: Mutex<VecDeque<Vec<u8>>>,
    asked: Mutex<Vec<(String, Value)>>,
}

impl RawModel {
    pub async fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let model = Arc::new(Self { origin, answers: Mutex::default(), asked: Mutex::default() });
        let serves = model.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serves.clone().serve(stream));
            }
        });
        model
    }

    /// Answers one request, and closes the connection.
    async fn serve(self: Arc<Self>, mut stream: TcpStream) -> Option<()> {
        let mut came = vec![];
        let (head, body) = loop {
            stream.read_buf(&mut came).await.ok().filter(|read| *read > 0)?;
            let text = String::from_utf8_lossy(&came);
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head
                .lines()
                .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                break (head.to_owned(), serde_json::from_str(body).unwrap_or(Value::Null));
            }
        };
        // The start asks whether the model exists.
        if head.starts_with("GET") {
            stream.write_all(&respond(200, &json!({}))).await.ok()?;
            return Some(());
        }
        let next = self.answers.lock().unwrap().pop_front();
        let answer = next.unwrap_or_else(|| {
            let last = body["messages"].as_array().and_then(|all| all.last()).unwrap();
            completion(&format!("answer to {}", see::said(last)), "stop", 12, 7)
        });
        self.asked.lock().unwrap().push((head, body));
        stream.write_all(&answer).await.ok()?;
        stream.shutdown().await.ok()
    }

    /// Plans this answer to the next question.
    pub fn plan(&self, answer: Vec<u8>) {
        self.answers.lock().unwrap().push_back(answer);
    }

    /// Plans an error to the next question.
    pub fn plan_error(&self, status: u16, body: &Value) {
        self.plan(respond(status, body));
    }

    /// Returns the questions so far.
    pub fn asked(&self) -> Vec<Value> {
        self.asked.lock().unwrap().iter().map(|(_, body)| body.clone()).collect()
    }

    /// Returns a bot that asks this model.
    pub async fn bot(&self, env: &[(&str, &str)]) -> Bot {
        let url = format!("{}/v1", self.origin);
        let env: Vec<_> =
            [("OPENAI_BASE_URL", url.as_str())].into_iter().chain(env.iter().copied()).collect();
        Bot::with(&env, |_| {}).await
    }
}

fn respond(status: u16, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    (head + &body).into_bytes()
}

/// Returns an answer with this text, end and account of tokens.
fn completion(text: &str, finish: &str, prompt: u32, completion: u32) -> Vec<u8> {
    respond(
        200,
        &json!({
            "choices": [{ "index": 0, "message": { "role": "assistant", "content": text }, "finish_reason": finish }],
            "usage": { "prompt_tokens": prompt, "completion_tokens": completion },
        }),
    )
}

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/model-answers/{name}.http"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The outcome for the person and the operator.
enum Sees {
    /// The model's answer, in the given number of calls.
    Answer(&'static str, usize),
    /// An answer that is not finished, with a remark and a button.
    Cut(&'static str, usize),
    /// One apology in the given number of calls, and a dead letter with this reason and this part of its detail.
    Apology(usize, &'static str, &'static str),
}

use Sees::{Answer, Apology, Cut};

/// All answers, in the order of their names. An answer that comes once is followed by a good one.
#[rustfmt::skip]
const ANSWERS: [(&str, Sees); 38] = [
    ("200-402", Apology(1, "model_quota", "status 200 402")),
    ("200-html", Answer("answer to hi", 2)),
    ("401", Apology(1, "model_auth", "invalid_api_key")),
    ("403-html", Answer("answer to hi", 2)),
    ("403-xai-credits", Apology(1, "model_quota", "status 403")),
    ("404-html", Apology(1, "model_unavailable", "base URL")),
    ("409-should-retry", Answer("answer to hi", 2)),
    ("429-day", Apology(1, "model_unavailable", "too late to try again")),
    ("429-ms", Answer("answer to hi", 2)),
    ("429-xai-credits", Apology(1, "model_quota", "status 429")),
    ("498-groq", Answer("answer to hi", 2)),
    ("503-no-retry", Apology(1, "model_unavailable", "a retry is of no use")),
    ("529", Answer("answer to hi", 2)),
    ("azure-filter", Apology(1, "model_refused", "content_filter")),
    ("choice-error", Answer("answer to hi", 2)),
    ("choices-null", Answer("answer to hi", 2)),
    ("chunk-extension-long", Answer("answer to hi", 1)),
    ("content-number", Answer("answer to hi", 2)),
    ("continue-headers", Answer("answer to hi", 1)),
    ("cut-body", Answer("answer to hi", 2)),
    ("empty-stop", Answer("answer to hi", 2)),
    ("gemini-safety", Apology(1, "model_refused", "SAFETY")),
    ("gzip", Answer("answer to hi", 1)),
    ("json-then-done", Answer("answer to hi", 1)),
    ("mistral-model-length", Cut("answer to hi", 1)),
    ("model-gone", Apology(1, "model_gone", "model_not_found")),
    ("nan-logprobs", Answer("answer to hi", 2)),
    ("no-length", Answer("answer to hi", 1)),
    ("output-limit", Answer("answer to hi", 2)),
    ("reasoning-empty-length", Answer("answer to hi", 2)),
    ("redirect", Apology(1, "model_unavailable", "base URL")),
    ("sse-breaks", Cut("half an ans", 1)),
    ("sse-unasked", Answer("answer to hi", 1)),
    ("surrogate-lone", Answer("answer \u{fffd}\u{fffd}\u{fffd} to it", 1)),
    ("system-refused", Answer("answer to", 2)),
    ("think-unopened", Answer("answer to hi", 1)),
    ("tool-calls", Answer("answer to hi", 2)),
    ("usage-null", Answer("answer to hi", 1)),
];

#[tokio::test]
async fn every_answer_of_a_server_has_its_outcome_for_the_person_and_the_operator() {
    let files =
        std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/model-answers")).unwrap();
    let files =
        files.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|ext| ext == "http"));
    assert_eq!(files.count(), ANSWERS.len(), "each file is in the table");
    for (name, sees) in ANSWERS {
        let model = RawModel::start().await;
        let mut bot = model.bot(&[]).await;
        model.plan(fixture(name));
        bot.hears("hi").await;
        let sent = bot.sends().await;
        let texts: Vec<_> = sent.iter().flat_map(|sent| sent.texts.clone()).collect();
        assert_eq!(texts.len(), 1, "{name}: {texts:?}");
        let letters = bot.letters().await;
        let calls = model.asked().len();
        match sees {
            Answer(text, in_calls) => {
                assert!(
                    texts[0].starts_with(text) && !texts[0].contains("cut off here"),
                    "{name}: {texts:?}"
                );
                assert_eq!((letters, calls), (json!([]), in_calls), "{name}");
            }
            Cut(text, in_calls) => {
                assert!(texts[0].starts_with(text) && texts[0].contains("cut off here"), "{name}: {texts:?}");
                assert_eq!((letters, calls), (json!([]), in_calls), "{name}");
            }
            Apology(in_calls, reason, detail) => {
                assert!(texts[0].starts_with("Sorry"), "{name}: {texts:?}");
                assert_eq!(
                    (letters[0]["reason"].as_str(), calls),
                    (Some(reason), in_calls),
                    "{name}: {letters}"
                );
                let is = letters[0]["detail"].as_str().unwrap();
                assert!(is.contains(detail), "{name}: {is}");
            }
        }
    }
}

#[tokio::test]
async fn an_answer_that_never_comes_is_paid_for_three_times_at_most() {
    for (name, detail) in [
        ("empty-stop", "empty"),
        ("choices-null", "no choices"),
        ("nan-logprobs", "no JSON"),
        ("tool-calls", "tool_calls"),
        ("content-number", "no completion"),
        ("choice-error", "502"),
        ("200-html", "HTML"),
    ] {
        let model = RawModel::start().await;
        let mut bot = model.bot(&[]).await;
        (0..10).for_each(|_| model.plan(fixture(name)));
        bot.hears("hi").await;
        let said = bot.says().await;
        assert!(said.len() == 1 && said[0].starts_with("Sorry"), "{name}: {said:?}");
        assert_eq!(model.asked().len(), 3, "{name}");
        bot.gave_up("model_unavailable", "unanswered").await;
        let letters = bot.letters().await;
        assert!(letters[0]["detail"].as_str().unwrap().contains(detail), "{name}: {letters}");
    }
}

#[tokio::test]
async fn a_question_asks_for_one_answer_as_it_is_and_a_stream_is_read_all_the_same() {
    let model = RawModel::start().await;
    let mut bot = model.bot(&[]).await;
    bot.hears("hi").await;
    bot.answers(&["answer to hi"]).await;
    let (head, body) = model.asked.lock().unwrap()[0].clone();
    assert!(head.to_lowercase().contains("accept-encoding: identity"), "{head}");
    assert_eq!(body["stream"], false);
}

#[tokio::test]
async fn the_roles_that_a_template_knows_are_learned_once() {
    let refused = |message: &str| json!({ "object": "error", "message": message, "code": 400 });
    let roles = |asked: &Value| -> Vec<String> {
        let messages = asked["messages"].as_array().unwrap();
        messages.iter().map(|message| message["role"].as_str().unwrap().to_owned()).collect()
    };
    let model = RawModel::start().await;
    let mut bot = model.bot(&[("SYSTEM_PROMPT", "be kind")]).await;
    model.plan_error(400, &refused("System role not supported"));
    bot.hears("hi").await;
    bot.hears("and on").await;
    assert_eq!(bot.says().await.len(), 2);
    let asked = model.asked();
    assert_eq!(
        asked.iter().map(roles).collect::<Vec<_>>(),
        [vec!["system", "user"], vec!["user"], vec!["user", "assistant", "user"]]
    );
    let first = asked[1]["messages"][0]["content"].as_str().unwrap();
    assert!(first.starts_with("be kind") && first.contains("hi"), "{first}");

    // Two questions without an answer between them.
    let model = RawModel::start().await;
    let mut bot = model.bot(&[("BURST", "merge")]).await;
    bot.hears("one").await;
    bot.says().await;
    let alternate = refused("Conversation roles must alternate user/assistant/user/assistant/...");
    model.plan_error(500, &alternate);
    model.plan_error(500, &alternate);
    bot.hears("two").await;
    bot.says().await;
    let asked = model.asked();
    assert_eq!(roles(&asked[2]), ["system", "user", "assistant", "user"]);
    assert_eq!(roles(&asked[3]), ["user", "assistant", "user"]);
}

#[tokio::test]
async fn a_limit_that_is_too_high_is_lowered_to_the_one_that_the_server_names() {
    let model = RawModel::start().await;
    let mut bot = model.bot(&[]).await;
    model.plan(fixture("output-limit"));
    bot.hears("hi").await;
    bot.hears("and on").await;
    bot.answers(&["answer to hi", "answer to and on"]).await;
    let limits: Vec<_> = model.asked().iter().map(|asked| asked["max_completion_tokens"].clone()).collect();
    assert_eq!(limits, [4_096, 512, 512]);
}

#[tokio::test]
async fn a_full_context_loses_its_oldest_turns_and_is_remembered() {
    let model = RawModel::start().await;
    let mut bot = model.bot(&[("GPT_MODEL", "llama3"), ("SYSTEM_PROMPT", "be kind")]).await;
    let long = "word ".repeat(400);
    for text in ["one", "two", "three"] {
        bot.hears(&format!("{text} {long}")).await;
        bot.says().await;
    }
    // The context of 3,000 tokens has room for only ten tokens more.
    model.plan(completion("This is", "length", 2_990, 10));
    bot.hears("four").await;
    let said = bot.says().await;
    assert_eq!(said, ["answer to four"]);
    let lengths = |from: usize| -> Vec<_> {
        model.asked()[from..].iter().map(|asked| asked["messages"].as_array().unwrap().len()).collect()
    };
    let after = lengths(3);
    assert!(after.len() == 2 && after[1] < after[0], "{after:?}");
    let limit = |asked: &Value| asked["max_tokens"].as_u64().unwrap();
    bot.hears("five").await;
    bot.answers(&["answer to five"]).await;
    assert!(limit(&model.asked()[5]) <= 1_500, "the context is remembered");
    let asked = model.asked();
    let bytes = asked[5]["messages"].to_string().len();
    assert!(bytes < 8_000, "{bytes}");
}

#[tokio::test]
async fn a_server_that_cuts_each_answer_is_not_asked_twice_for_ever() {
    let model = RawModel::start().await;
    let mut bot = model.bot(&[]).await;
    bot.hears("one").await;
    bot.says().await;
    for _ in 0..3 {
        model.plan(completion("This is cut", "length", 100, 256));
    }
    bot.hears("two").await;
    assert!(bot.says().await[0].starts_with("This is cut\n\n("));
    assert_eq!(model.asked().len(), 3, "the limit is the server's own");
    bot.hears("three").await;
    assert!(bot.says().await[0].starts_with("This is cut\n\n("));
    assert_eq!(model.asked().len(), 4, "it is known by now");
}

#[tokio::test]
async fn an_unfinished_answer_is_sent_if_no_better_one_comes() {
    let model = RawModel::start().await;
    let mut bot = model.bot(&[]).await;
    bot.hears("one").await;
    bot.says().await;
    model.plan(completion("Half an ans", "length", 3_990, 10));
    model.plan_error(402, &json!({}));
    bot.hears("two").await;
    assert!(bot.says().await[0].starts_with("Half an ans\n\n("));
    assert_eq!(bot.letters().await, json!([]));
}

#[tokio::test]
async fn the_context_that_a_server_names_is_the_one_that_counts() {
    let model = RawModel::start().await;
    let mut bot = model.bot(&[("GPT_MODEL", "llama3")]).await;
    let message = "'max_tokens' or 'max_completion_tokens' is too large: 4096. This model's maximum context length is 2048 tokens and your request has 300 input tokens";
    model.plan_error(400, &json!({ "error": { "message": message, "code": 400 } }));
    bot.hears("hi").await;
    bot.hears("and on").await;
    bot.answers(&["answer to hi", "answer to and on"]).await;
    let limits: Vec<_> = model.asked().iter().map(|asked| asked["max_tokens"].clone()).collect();
    assert_eq!(limits, [4_096, 1_024, 1_024]);
}
