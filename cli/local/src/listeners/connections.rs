//! The connections of a listener: their number, the time that each may take, and their memory.
//!
//! Nobody can hold a place for long. A head, a body and an answer each have a time limit, and a connection is kept for
//! a next request only if its webhook was accepted.

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
use shared::{event::log, logging::LimitedLog};
use tokio::{
    net::TcpListener,
    sync::Semaphore,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use stream::Answered;

mod stream;

/// The time that a client may take to send its headers, and that a connection may be idle.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// The time that a client may take to read an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// The most connections that are held at once, if there are open files for them. Further ones wait in the kernel's
/// backlog.
pub const CONNECTIONS_MAX: usize = 16_384;
/// The buffer of a connection in bytes, and so its largest head. It limits the memory for heads: a connection takes 15
/// KiB with all that belongs to it. LINE's heads are under 1 KiB.
const BUFFER: usize = 8 << 10;
/// The time that open requests may take after the listener was closed.
const CLOSING: Duration = Duration::from_secs(3);

/// Connections that could not be accepted.
static REFUSED: LimitedLog = LimitedLog::new();

/// Serves at most so many connections at once until `stop`, then lets open requests finish.
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
                    // For example, the file descriptors are used up. Some of them will become free.
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
                // A stranger holds a place for one request only, so that there are places for LINE.
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
            // The errors of clients that went away or spoke no HTTP are ignored.
            let _ = connection.await;
        });
    }
    drop(listener);
    let _ = timeout(CLOSING, open.shutdown()).await;
}
