//! The model's server: every response over HTTP becomes an answer or one line that quotes nothing of it, with the
//! calls of the worker.

use std::{
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode},
    response::Response,
};
use shared::{env::Env, roots::Roots, secret::Secret};
use tokio::{net::TcpListener, runtime::Runtime};
use worker::{
    adapters::{
        http::client_trusting,
        openai::{ModelClient, ModelError},
    },
    clock::wall_clock,
    config::Config,
    failure::{Failure, RetryPolicy},
    rules::prompt::Prompt,
    text::clean::clean,
};

/// A time that is enough for any answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// The headers that the worker reads.
const HEADERS: [&str; 4] = ["retry-after", "retry-after-ms", "x-request-id", "apim-request-id"];

struct World {
    runtime: Runtime,
    says: Arc<Mutex<Vec<u8>>>,
    asks: ModelClient,
    prompt: Prompt,
}

/// Makes a response: the first line is the status, four lines are headers' values, and the rest is the body.
fn response(data: &[u8]) -> Response {
    let mut lines = data.splitn(6, |byte| *byte == b'\n');
    let status = lines.next().and_then(|line| StatusCode::from_bytes(line).ok());
    let mut response = Response::new(Body::empty());
    // Other status codes have no body by HTTP's rules, or are not final: the HTTP library handles them.
    *response.status_mut() =
        status.filter(|it| it.as_u16() >= 200 && ![204, 205, 304].contains(&it.as_u16())).unwrap_or_default();
    for (name, line) in HEADERS.into_iter().zip(lines.by_ref()) {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    *response.body_mut() = lines.next().unwrap_or_default().to_vec().into();
    response
}

fn world() -> World {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let says: Arc<Mutex<Vec<u8>>> = Arc::default();
    let said = says.clone();
    let router = Router::new().fallback(async move || response(&said.lock().unwrap()));
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    runtime.spawn(async move { axum::serve(listener, router).await });
    let config = Config::from_env(&Env::of([("OPENAI_BASE_URL".to_owned(), url)])).unwrap();
    let prompt = Prompt::fit("be kind", vec![], &["hi"], config.model.budget).unwrap();
    let asks = ModelClient::new(
        &config,
        &client_trusting(Roots::Bundled).unwrap(),
        Secret::fixed("k".into()),
        &wall_clock(),
    );
    World { runtime, says, asks, prompt }
}

/// Checks a response of the server, as `response` reads it; returns whether it is an answer.
pub fn holds(data: &[u8]) -> bool {
    static WORLD: OnceLock<World> = OnceLock::new();
    let World { runtime, says, asks, prompt } = WORLD.get_or_init(world);
    data.clone_into(&mut says.lock().unwrap());
    let (failure, is_refused) = match runtime.block_on(asks.complete(
        prompt,
        &[],
        None,
        10,
        tokio::time::Instant::now() + PATIENCE,
    )) {
        Ok(answer) => {
            assert!(!answer.text.is_empty() && answer.text.trim() == answer.text);
            assert_eq!(clean(&answer.text), answer.text);
            assert!(answer.tokens.cached <= answer.tokens.prompt);
            assert!(answer.tokens.cache_written <= answer.tokens.prompt);
            is_one_word(&answer.request);
            return true;
        }
        Err(ModelError::ContextLength(_) | ModelError::NothingWithinLimit) => return false,
        Err(ModelError::ImageRefused) => unreachable!("there is no picture"),
        Err(ModelError::Unauthorized(failure)) => (failure, true),
        Err(
            ModelError::Failed(failure) | ModelError::Unusable(failure) | ModelError::ContextFull(failure),
        ) => (failure, false),
    };
    let Failure { detail, retry, .. } = failure;
    assert!((1..200).contains(&detail.len()), "{detail}");
    detail.split([' ', ',', ';']).for_each(is_one_word);
    assert!(!is_refused || retry == RetryPolicy::Never);
    false
}

/// Asserts that the word is an identifier: longer or freer text could quote people.
fn is_one_word(word: &str) {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"_-.:?".contains(&b);
    assert!(word.len() <= 64 && word.bytes().all(is_plain), "{word:?}");
}
