//! An HTTP client for answers that take minutes, of which thousands are waited for at once.
//!
//! While it waits, a request is a socket and no buffer. hyper's, and so reqwest's, hold 26 KB for each connection
//! whatever it does: 8 KB to write from, 8 KB to read into, 9 KB for requests to come. Connections are made by
//! the same libraries as reqwest's; what is said on them is put together and understood by `ureq-proto`, which
//! is HTTP/1.1 without input and output. It takes the lines of chunks to be 20 bytes at most, extensions included.

use std::{
    future::poll_fn,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use futures_util::FutureExt;
use http::{Request, Response, Uri};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::{legacy::connect::HttpConnector, proxy::matcher::Matcher};
use rustls::ClientConfig;
use tokio::time::{Instant, timeout};
use tower_service::Service;

use self::talk::{Asked, Broken, Connection, more, say};
use super::http::{BROKEN, CONNECT_TIMEOUT, KEEPALIVE, NO_ANSWER_IN_TIME, NoResponse, no_connection};

mod talk;

/// How long a connection is kept for the next request.
const IDLE_TIMEOUT: Duration = Duration::from_secs(90);
/// How many are kept.
const IDLE_MAX: usize = 100;
/// A connection that waits for a request.
struct Idle {
    to: Uri,
    since: Instant,
    connection: Connection,
}

/// The client.
#[derive(Clone)]
pub(super) struct Patient {
    connector: HttpsConnector<HttpConnector>,
    proxies: Arc<Matcher>,
    idle: Arc<Mutex<Vec<Idle>>>,
}

impl Patient {
    pub(super) fn new(tls: ClientConfig) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        // As reqwest's: a server that is gone is noticed within a minute or two.
        tcp.set_keepalive(Some(KEEPALIVE));
        tcp.set_keepalive_interval(Some(KEEPALIVE / 2));
        tcp.set_keepalive_retries(Some(3));
        #[cfg(target_os = "linux")]
        tcp.set_tcp_user_timeout(Some(KEEPALIVE));
        Self { connector: (tcp, tls).into(), proxies: Arc::new(Matcher::from_system()), idle: Arc::default() }
    }

    /// Whether it knows the way: it knows none through a proxy.
    pub(super) fn reaches(&self, url: &Uri) -> bool {
        self.proxies.intercept(url).is_none()
    }

    /// Sends a request and reads all of the response, of a body longer than `max` nothing.
    pub(super) fn send(
        &self,
        request: Request<Vec<u8>>,
        max: usize,
        within: Duration,
    ) -> impl Future<Output = Result<Response<Vec<u8>>, NoResponse>> + use<'_> {
        let asked = Box::pin(self.ask(request));
        async move {
            let was_sent = AtomicBool::new(false);
            let exchange = timeout(within, self.exchange(asked, max, &was_sent));
            let done = exchange.await.unwrap_or_else(|_| Err(NO_ANSWER_IN_TIME.to_owned()));
            done.map_err(|detail| NoResponse { detail, was_sent: was_sent.load(Relaxed) })
        }
    }

    async fn exchange(
        &self,
        asked: impl Future<Output = Result<(Box<Uri>, Asked), String>>,
        max: usize,
        was_sent: &AtomicBool,
    ) -> Result<Response<Vec<u8>>, String> {
        let broken = |Broken| BROKEN.to_owned();
        // Boxed and gone with the request: what follows is the wait.
        let (to, mut asked) = asked.await?;
        was_sent.store(asked.is_said, Relaxed);
        asked.begins().await.map_err(broken)?;
        let (response, free) = Box::pin(asked.hear(max)).await.map_err(broken)?;
        if let Some(connection) = free {
            self.keep(*to, connection);
        }
        Ok(response)
    }

    async fn ask(&self, request: Request<Vec<u8>>) -> Result<(Box<Uri>, Asked), String> {
        let to = Box::new(request.uri().clone());
        let connection = match self.idle_to(&to) {
            Some(connection) => connection,
            None => self.connect(Uri::clone(&to)).await?,
        };
        let asked = say(connection, request).await.map_err(|Broken| BROKEN.to_owned())?;
        Ok((to, asked))
    }

    async fn connect(&self, to: Uri) -> Result<Connection, String> {
        let mut connector = self.connector.clone();
        let connecting = async {
            poll_fn(|context| connector.poll_ready(context)).await?;
            connector.call(to).await
        };
        match timeout(CONNECT_TIMEOUT, connecting).await {
            Ok(Ok(MaybeHttpsStream::Http(tcp))) => Ok(Box::new(tcp.into_inner())),
            Ok(Ok(MaybeHttpsStream::Https(tls))) => Ok(Box::new(tls.into_inner())),
            Ok(Err(error)) => Err(no_connection(&*error)),
            Err(_) => Err(NO_ANSWER_IN_TIME.to_owned()),
        }
    }

    /// A connection to the same server that is still open and silent, as after a whole answer.
    fn idle_to(&self, to: &Uri) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|it| it.since.elapsed() < IDLE_TIMEOUT);
        let is_same = |it: &Idle| (it.to.scheme(), it.to.authority()) == (to.scheme(), to.authority());
        while let Some(place) = idle.iter().rposition(is_same) {
            let mut connection = idle.remove(place).connection;
            if more(&mut connection, &mut vec![]).now_or_never().is_none() {
                return Some(connection);
            }
        }
        None
    }

    fn keep(&self, to: Uri, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX {
            idle.push(Idle { to, since: Instant::now(), connection });
        }
    }
}
