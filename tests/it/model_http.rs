//! The model's server as HTTP: the ways in which a response comes or breaks off, TLS, and a proxy.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, extract::Request};
use cli::commands::send::webhook_of;
use emulator::line::Line;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::json;
use shared::{env::Env, roots::Roots, secret::Secret};
use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::Instant,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, pki_types::PrivateKeyDer},
};
use worker::{
    adapters::{
        http::client_trusting,
        openai::{ModelClient, ModelError},
    },
    clock::wall_clock,
    config::Config,
    rules::prompt::Prompt,
};

use crate::harness::{
    local::{USER, host, variables},
    process::Serve,
};

const COMPLETION: &str = r#"{"choices":[{"message":{"content":"an answer"},"finish_reason":"stop"}]}"#;
/// Reads a request; returns `None` at the end of the connection.
async fn request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut came = vec![];
    loop {
        let mut more = [0; 4096];
        let read = stream.read(&mut more).await.ok().filter(|read| *read > 0)?;
        came.extend_from_slice(&more[..read]);
        let text = String::from_utf8_lossy(&came);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if body.len() == length.unwrap_or(0) {
            return Some(head.to_owned());
        }
    }
}

/// A server that answers each request with these bytes in pieces, and then closes the connection if asked to.
struct Wire {
    origin: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Wire {
    async fn says(answer: &str, at_a_time: usize, ends: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let heads = Arc::<Mutex<Vec<_>>>::default();
        let wire = Self { origin, heads: heads.clone() };
        let answer = answer.to_owned();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (answer, heads) = (answer.clone(), heads.clone());
                tokio::spawn(async move {
                    stream.set_nodelay(true).unwrap();
                    while let Some(head) = request(&mut stream).await {
                        heads.lock().unwrap().push(head);
                        for piece in answer.as_bytes().chunks(at_a_time) {
                            let _ = stream.write_all(piece).await;
                            tokio::task::yield_now().await;
                        }
                        if ends {
                            return;
                        }
                    }
                });
            }
        });
        wire
    }
}

fn of_length(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

struct Asks {
    model: ModelClient,
    prompt: Prompt,
}

impl Asks {
    fn of(origin: &str) -> Self {
        Self::much(origin, "hi")
    }

    fn much(origin: &str, question: &str) -> Self {
        let env = [("OPENAI_BASE_URL".to_owned(), format!("{origin}/v1"))];
        let mut config = Config::from_env(&Env::of(env)).unwrap();
        config.model.budget.context_tokens = usize::MAX >> 8;
        let prompt = Prompt::fit("be kind", vec![], &[question], config.model.budget).unwrap();
        let http = client_trusting(Roots::Bundled).unwrap();
        Self { model: ModelClient::new(&config, &http, Secret::fixed("a-key".into()), &wall_clock()), prompt }
    }

    /// Returns the answer, or the reason for its absence.
    async fn asks(&self, within: Duration) -> String {
        match self.model.complete(&self.prompt, &[], None, 10, Instant::now() + within).await {
            Ok(answer) => answer.text,
            Err(
                ModelError::Failed(failure)
                | ModelError::Unusable(failure)
                | ModelError::Unauthorized(failure),
            ) => failure.detail,
            Err(error) => format!("{error:?}"),
        }
    }
}

const LONG: Duration = Duration::from_secs(30);

#[tokio::test]
async fn an_answer_is_understood_however_http_carries_it() {
    let (begins, ends) = COMPLETION.split_at(5);
    let chunks =
        format!("5;of=\"two\"\r\n{begins}\r\n{:x}\r\n{ends}\r\n0\r\nx-after: all\r\n\r\n", ends.len());
    let chunked = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}");
    let hints = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n";
    for (why, answer, ends) in [
        ("of a length", of_length(COMPLETION), false),
        ("in chunks", chunked, false),
        ("until the connection ends", format!("HTTP/1.1 200 OK\r\n\r\n{COMPLETION}"), true),
        ("of the older version", format!("HTTP/1.0 200 OK\r\n\r\n{COMPLETION}"), true),
        ("behind hints", format!("{hints}{}", of_length(COMPLETION)), false),
        (
            "behind many headers",
            of_length(COMPLETION).replace("OK\r\n", &format!("OK\r\n{}", "x-one: more\r\n".repeat(90))),
            false,
        ),
    ] {
        for at_a_time in [1, 7, usize::MAX] {
            let wire = Wire::says(&answer, at_a_time, ends).await;
            assert_eq!(Asks::of(&wire.origin).asks(LONG).await, "an answer", "{why}, {at_a_time} at a time");
            let heads = wire.heads.lock().unwrap().clone();
            let head = heads[0].to_lowercase();
            for header in [
                "post /v1/chat/completions http/1.1",
                "host: 127.0.0.1:",
                "user-agent: henji",
                "authorization: bearer a-key",
                "content-type: application/json",
            ] {
                assert_eq!(head.matches(header).count(), 1, "{header} in {head}");
            }
        }
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_or_is_none_is_a_fault_that_passes() {
    let cut = of_length(COMPLETION);
    for (why, answer) in [
        ("nothing", ""),
        ("in its head", "HTTP/1.1 200 OK\r\nContent-Le"),
        ("in its body", &cut[..cut.len() - 5]),
        ("in a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n43\r\n{\"cho"),
        ("before the last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"),
        ("no chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n"),
        (
            "a chunk's line without an end",
            &format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{}", "1".repeat(1 << 20)),
        ),
        ("no HTTP", "220 mail.example ESMTP\r\n\r\n"),
        ("a head without an end", &format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(1 << 20))),
        ("two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
    ] {
        let wire = Wire::says(answer, usize::MAX, true).await;
        let detail = Asks::of(&wire.origin).asks(LONG).await;
        assert!(detail.ends_with("the connection broke"), "{why}: {detail}");
    }
    let silent = Wire::says("", 1, false).await;
    assert_eq!(Asks::of(&silent.origin).asks(Duration::from_millis(50)).await, "no answer in time");
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let refused = Asks::of(&format!("http://{nobody}")).asks(LONG).await;
    assert!(refused.starts_with("no connection: Connection refused"), "{refused}");
}

#[tokio::test]
async fn who_refuses_a_long_question_before_it_is_sent_is_understood() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut open: Vec<TcpStream> = vec![];
        while let Ok((mut stream, _)) = listener.accept().await {
            // The proxy reads no more, and does not close the connection.
            let _ = stream.read(&mut [0; 100]).await;
            let refusal = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\n{}";
            let _ = stream.write_all(refusal.as_bytes()).await;
            open.push(stream);
        }
    });
    let refused = Asks::much(&origin, &"why? ".repeat(8_000_000)).asks(LONG).await;
    assert!(refused.contains("401"), "{refused}");
}

async fn completes(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    while request(&mut stream).await.is_some() {
        let _ = stream.write_all(of_length(COMPLETION).as_bytes()).await;
        let _ = stream.flush().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_over_tls_answers_where_its_authority_is_trusted_and_only_there() {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let tls = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![cert.der().clone()], key);
    let (acceptor, listener) =
        (TlsAcceptor::from(Arc::new(tls.unwrap())), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let model = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(tls) = acceptor.accept(tcp).await {
                    completes(tls).await;
                }
            });
        }
    });
    let folder = TempDir::new().unwrap();
    let authority = folder.path().join("authority.pem");
    std::fs::write(&authority, cert.pem()).unwrap();
    let trusted = [("SSL_CERT_FILE".to_owned(), authority.to_str().unwrap().to_owned())];
    let http = worker::adapters::http::client().unwrap();
    for (name, trusted) in [("trusts", &trusted[..]), ("does not", &[])] {
        let line = Line::new();
        let (mut sent, mut variables) = (line.watch(), variables(&host(line.router()).await, &model));
        variables.extend(trusted.iter().cloned());
        variables.push(("MAX_ATTEMPTS".into(), "1".into()));
        let serve = Serve::start(&folder.path().join(name), &variables).await;
        assert_eq!(serve.posts(&http, &webhook_of("hi", USER).to_string()).await, Some(200));
        let sent = sent.wait_for(|sent| !sent.is_empty()).await.unwrap().clone();
        if trusted.is_empty() {
            assert_ne!(sent[0].texts, ["an answer"]);
            assert!(serve.log().contains("no connection: invalid peer certificate: UnknownIssuer"));
        } else {
            assert_eq!(sent[0].texts, ["an answer"]);
        }
        assert_eq!(serve.terminate(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_behind_a_proxy_is_asked_through_it() {
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let seen = asked.clone();
    let proxy = host(Router::new().fallback(async move |request: Request| {
        seen.lock().unwrap().push(request.uri().to_string());
        axum::Json(serde_json::from_str::<serde_json::Value>(COMPLETION).unwrap_or(json!(null)))
    }))
    .await;
    let (line, folder) = (Line::new(), TempDir::new().unwrap());
    let mut variables = variables(&host(line.clone().router()).await, "http://model.invalid");
    variables.push(("HTTP_PROXY".into(), proxy));
    variables.push(("NO_PROXY".into(), "127.0.0.1".into()));
    let serve = Serve::start(&folder.path().join("data"), &variables).await;
    let (http, mut sent) = (worker::adapters::http::client().unwrap(), line.watch());
    assert_eq!(serve.posts(&http, &webhook_of("hi", USER).to_string()).await, Some(200));
    assert_eq!(sent.wait_for(|sent| !sent.is_empty()).await.unwrap()[0].texts, ["an answer"]);
    assert!(asked.lock().unwrap().contains(&"http://model.invalid/v1/chat/completions".to_owned()));
    assert_eq!(serve.terminate(), 0);
}
