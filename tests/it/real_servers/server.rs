//! Real servers as processes, and a relay before each that records what the bot asks it.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, OnceLock},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::harness::local::{Bot, host};

const TESTS: &str = env!("CARGO_MANIFEST_DIR");
/// The permits of a relay that holds no request back.
const OPEN: usize = 1_000;

/// A server that ends with this value or with the tests, because its input ends then.
pub struct Server {
    address: String,
    _process: Child,
}

impl Server {
    /// Starts a script of `tests/servers` with these arguments, and waits until its server answers.
    fn start(script: &str, args: &[&str]) -> Self {
        let installed = format!("{TESTS}/../target/model-servers");
        let mut process = Command::new(format!("{installed}/bin/python"))
            .arg(format!("{TESTS}/servers/{script}"))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(
                File::options().create(true).append(true).open(format!("{installed}/{script}.log")).unwrap(),
            )
            .spawn()
            .expect("run tests/venv model-servers tests/servers/requirements.txt");
        let mut address = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut address).unwrap();
        assert!(!address.is_empty(), "it did not start: target/model-servers/{script}.log");
        Self { address: address.trim().to_owned(), _process: process }
    }

    /// Starts llama.cpp's server with a chat template, and slots of this many tokens each.
    pub fn llama(template: &str, context: usize, slots: usize) -> Self {
        Self::start("llama.py", &[template, &context.to_string(), &slots.to_string()])
    }

    /// Returns the only LiteLLM proxy, which is started once because that takes half a minute.
    pub fn litellm() -> &'static Self {
        static PROXY: OnceLock<(Server, Server)> = OnceLock::new();
        let start = || {
            let model = Self::llama("plain", 16_384, 2);
            (Self::start("litellm_proxy.py", &[&model.address]), model)
        };
        &PROXY.get_or_init(start).0
    }
}

/// A request of the bot and its answer.
#[derive(Clone, Default)]
pub struct Asked {
    path: String,
    /// JSON, or null.
    pub body: Value,
    /// 0 until it is answered.
    pub status: u16,
    /// JSON, or null.
    pub answer: Value,
}

impl Asked {
    /// Returns role and content of each message.
    pub fn messages(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let message = |message: &Value| (text(&message["role"]), text(&message["content"]));
        self.body["messages"].as_array().unwrap().iter().map(message).collect()
    }
}

struct Shared {
    server: String,
    asked: Mutex<Vec<Asked>>,
    gate: Semaphore,
    http: reqwest::Client,
}

/// A relay before a server.
pub struct Relay {
    url: String,
    shared: Arc<Shared>,
}

impl Relay {
    pub async fn before(server: &Server) -> Self {
        let relay = Self::holding(server).await;
        relay.lets_pass();
        relay
    }

    /// Makes a relay that holds all requests back until [`Self::lets_pass`].
    pub async fn holding(server: &Server) -> Self {
        let shared = Arc::new(Shared {
            server: server.address.clone(),
            asked: Mutex::default(),
            gate: Semaphore::new(0),
            http: worker::adapters::http::client().unwrap(),
        });
        let url = host(Router::new().fallback(relay).with_state(shared.clone())).await;
        Self { url, shared }
    }

    pub fn lets_pass(&self) {
        self.shared.gate.add_permits(OPEN);
    }

    /// Starts a bot that asks this server, with further variables.
    pub async fn bot(&self, variables: &[(&str, &str)]) -> Bot {
        let url = format!("{}/v1", self.url);
        let own = [("OPENAI_BASE_URL", &*url), ("GPT_MODEL", "tiny"), ("SYSTEM_PROMPT", "Be kind.")];
        Bot::with(&[&own, variables].concat(), |_| {}).await
    }

    /// Returns all requests for an answer so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked_at("/v1/chat/completions")
    }

    /// Returns all requests at a path so far.
    pub fn asked_at(&self, path: &str) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().iter().filter(|asked| asked.path == path).cloned().collect()
    }

    /// Asks for an answer with a key, and returns the status.
    pub async fn status_under(&self, key: &str) -> u16 {
        let body = json!({ "model": "tiny", "messages": [{ "role": "user", "content": "hi" }] });
        let asked = self.shared.http.post(format!("{}/v1/chat/completions", self.shared.server));
        let asked = asked.bearer_auth(key).header(CONTENT_TYPE, "application/json").body(body.to_string());
        asked.send().await.unwrap().status().as_u16()
    }
}

async fn relay(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let path = head.uri.path().to_owned();
    let place = {
        let mut asked = shared.asked.lock().unwrap();
        let body = serde_json::from_slice(&body).unwrap_or_default();
        asked.push(Asked { path, body, ..Asked::default() });
        asked.len() - 1
    };
    shared.gate.acquire().await.unwrap().forget();
    let mut headers = head.headers;
    headers.remove("host");
    let asked = shared.http.request(head.method, format!("{}{}", shared.server, head.uri)).headers(headers);
    let Ok(answer) = asked.body(body).send().await else { return StatusCode::BAD_GATEWAY.into_response() };
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body = answer.bytes().await.unwrap();
    {
        let mut asked = shared.asked.lock().unwrap();
        asked[place].status = status.as_u16();
        asked[place].answer = serde_json::from_slice(&body).unwrap_or_default();
    }
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    // The body has one piece now.
    *response.headers_mut() = headers;
    response.headers_mut().remove("transfer-encoding");
    response
}
