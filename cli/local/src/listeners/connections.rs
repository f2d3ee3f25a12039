//! The connections of the listener: how many there are, how long each may take, and how much memory.
//!
//! Nobody can hold a place for long: a head, a body and an answer have each their time, and a connection is
//! kept for a next request only by those whose webhook was accepted.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, Method, header::CONNECTION},
};
use hyper::{
    body::Incoming,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use shared::{log, logging::Sampled};
use tokio::{
    net::TcpListener,
    sync::Semaphore,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use stream::Answered;

mod stream;

/// How long a client may take over its headers, and how long a connection may be idle.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take to read an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// How many connections are held at once where there are open files for them; further ones wait in the kernel's backlog.
pub const CONNECTIONS_MAX: usize = 16_384;
/// The buffer of a connection, and so its largest head: what the memory for heads is bounded by, 15 KiB with all that
/// belongs to a connection. LINE's heads are under 1 KiB.
const BUFFER: usize = 8 << 10;
/// How long open requests may take after the listener was closed.
const CLOSING: Duration = Duration::from_secs(3);

/// Connections that could not be accepted.
static REFUSED: Sampled = Sampled::new();

/// Serves on at most so many connections at once until `stop`, then lets open requests finish.
pub async fn serve(listener: TcpListener, router: Router, connections: usize, stop: CancellationToken) {
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(BUFFER);
    let open = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(connections));
    loop {
        let accepted = async {
            let place = places.clone().acquire_owned().await;
            (listener.accept().await, place)
        };
        let (stream, place) = tokio::select! {
            (accepted, place) = accepted => match accepted {
                Ok((stream, _)) => (stream, place),
                Err(error) => {
                    // Out of file descriptors, say: those in use will come free.
                    if let Some(times) = REFUSED.count(Instant::now()) {
                        log!(warn, ConnectionFailed, %error, times, "a connection could not be accepted");
                    }
                    sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = stop.cancelled() => break,
        };
        let _ = stream.set_nodelay(true);
        let router = TowerToHyperService::new(router.clone());
        let service = service_fn(move |request: Request<Incoming>| {
            let is_post = request.method() == Method::POST;
            let answering = router.call(request);
            async move {
                let mut answer = answering.await?;
                // Strangers hold a place for one request, so that there are places for LINE.
                if !is_post || !answer.status().is_success() {
                    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, Infallible>(answer)
            }
        });
        let stream = TokioIo::new(Answered::new(stream, ANSWER_TIMEOUT));
        let connection = open.watch(http.serve_connection(stream, service));
        tokio::spawn(async move {
            let _place = place;
            // A client that went away or spoke no HTTP is its own affair.
            let _ = connection.await;
        });
    }
    drop(listener);
    let _ = timeout(CLOSING, open.shutdown()).await;
}
