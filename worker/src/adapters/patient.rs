//! An HTTP client for answers that take minutes, of which thousands are waited for at once.
//!
//! While it waits, a request is a socket and no buffer. hyper's, and so reqwest's, hold 26 KB for each connection
//! whatever it does: 8 KB to write from, 8 KB to read into, 9 KB for requests to come. Connections are made by
//! the same libraries as reqwest's; what is said on them is put together and understood by `ureq-proto`, which
//! is HTTP/1.1 without input and output. It takes the lines of chunks to be 20 bytes at most, extensions included.

use std::{
    error::Error,
    future::poll_fn,
    io,
    mem::MaybeUninit,
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    task::{Poll, ready},
    time::Duration,
};

use bytes::Buf;
use futures_util::FutureExt;
use http::{Request, Response, Uri, header::CONTENT_LENGTH};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::{legacy::connect::HttpConnector, proxy::matcher::Matcher};
use rustls::ClientConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf, split},
    time::{Instant, timeout},
};
use tower_service::Service;
use ureq_proto::{
    BodyMode,
    client::{Call, RecvBodyResult, RecvResponseResult, SendRequestResult, state},
};

use super::http::{BROKEN, CONNECT_TIMEOUT, KEEPALIVE, NO_ANSWER_IN_TIME, no_connection};

/// How long a connection is kept for the next request.
const IDLE_TIMEOUT: Duration = Duration::from_secs(90);
/// How many are kept.
const IDLE_MAX: usize = 100;
/// The longest head of a response.
const HEAD_MAX: usize = 64 << 10;
/// How much is read at once.
const PIECE: usize = 8 << 10;

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// As small as what it is: a plain socket holds no room for TLS.
type Connection = Box<dyn Stream>;

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

/// A request that is sent.
struct Asked {
    to: Box<Uri>,
    connection: Connection,
    call: Box<Call<state::RecvResponse>>,
    /// Whether all of it was, which some servers do not wait for.
    is_said: bool,
    /// What came meanwhile: the response's head, and bytes that are not understood yet.
    response: Option<Box<Response<()>>>,
    came: Vec<u8>,
}

/// The connection broke, or what came on it is not HTTP.
struct Broken;

impl<E: Error> From<E> for Broken {
    fn from(_: E) -> Self {
        Self
    }
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

    /// Sends a request and reads all of the response, of a body longer than `max` nothing. The error says what
    /// happened, in words without the URL.
    pub(super) fn send(
        &self,
        request: Request<Vec<u8>>,
        max: usize,
        within: Duration,
    ) -> impl Future<Output = Result<Response<Vec<u8>>, String>> + use<'_> {
        let exchange = self.exchange(Box::pin(self.ask(request)), max);
        async move { timeout(within, exchange).await.unwrap_or_else(|_| Err(NO_ANSWER_IN_TIME.to_owned())) }
    }

    async fn exchange(
        &self,
        asked: impl Future<Output = Result<Asked, String>>,
        max: usize,
    ) -> Result<Response<Vec<u8>>, String> {
        // Boxed and gone with the request: what follows is the wait.
        let mut asked = asked.await?;
        let Asked { connection, response, came, .. } = &mut asked;
        if response.is_none() && came.is_empty() && more(connection, came).await.unwrap_or(0) == 0 {
            return Err(BROKEN.to_owned());
        }
        Box::pin(self.hear(asked, max)).await.map_err(|Broken| BROKEN.to_owned())
    }

    async fn ask(&self, request: Request<Vec<u8>>) -> Result<Asked, String> {
        let to = request.uri().clone();
        let connection = match self.idle_to(&to) {
            Some(connection) => connection,
            None => self.connect(to.clone()).await?,
        };
        say(connection, to, request).await.map_err(|Broken| BROKEN.to_owned())
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

    /// Reads the response, and keeps the connection if it is free for another request.
    async fn hear(&self, asked: Asked, max: usize) -> Result<Response<Vec<u8>>, Broken> {
        let Asked { to, mut connection, mut call, is_said, mut response, mut came } = asked;
        let response = loop {
            if let Some(response) = response.take() {
                break *response;
            }
            response = head(&mut call, &mut came)?;
            if response.is_none() && more(&mut connection, &mut came).await? == 0 {
                return Err(Broken);
            }
        };
        let mut body = vec![];
        let mut call = match call.proceed() {
            Some(RecvResponseResult::RecvBody(call)) => call,
            Some(RecvResponseResult::Cleanup(call)) => {
                if is_said && came.is_empty() && !call.must_close_connection() {
                    self.keep(*to, connection);
                }
                return Ok(response.map(|()| body));
            }
            _ => return Ok(response.map(|()| body)),
        };
        let ends_with_connection = call.body_mode() == BodyMode::CloseDelimited;
        while ends_with_connection || !call.can_proceed() {
            let mut part = vec![0; came.len()];
            let (read, written) = call.read(&came, &mut part)?;
            came.drain(..read);
            body.extend_from_slice(&part[..written]);
            if body.len() > max {
                return Ok(response.map(|()| vec![]));
            }
            if read > 0 {
                continue;
            }
            // What is left is the line of a chunk, which is short.
            if came.len() > PIECE {
                return Err(Broken);
            }
            if more(&mut connection, &mut came).await? == 0 {
                if ends_with_connection {
                    break;
                }
                return Err(Broken);
            }
        }
        let is_free =
            matches!(call.proceed(), Some(RecvBodyResult::Cleanup(call)) if !call.must_close_connection());
        if is_said && is_free && came.is_empty() {
            self.keep(*to, connection);
        }
        Ok(response.map(|()| body))
    }

    fn keep(&self, to: Uri, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX {
            idle.push(Idle { to, since: Instant::now(), connection });
        }
    }
}

/// Sends a request, and listens meanwhile.
async fn say(mut connection: Connection, to: Uri, request: Request<Vec<u8>>) -> Result<Asked, Broken> {
    let (mut parts, body) = request.into_parts();
    parts.headers.insert(CONTENT_LENGTH, body.len().into());
    let mut call = Call::new(Request::from_parts(parts, ()))?.proceed();
    let (mut lines, mut piece) = (vec![], vec![0; HEAD_MAX]);
    while !call.can_proceed() {
        let written = call.write(&mut piece)?;
        lines.extend_from_slice(&piece[..written]);
    }
    let Some(SendRequestResult::SendBody(mut call)) = call.proceed()? else { return Err(Broken) };
    call.consume_direct_write(body.len())?;
    let mut call = Box::new(call.proceed().ok_or(Broken)?);
    let (mut response, mut came) = (None, vec![]);
    let (mut reader, mut writer) = split(&mut connection);
    let mut out = lines.chain(&*body);
    let mut writing = pin!(async {
        writer.write_all_buf(&mut out).await?;
        writer.flush().await
    });
    let is_said = loop {
        tokio::select! {
            biased;
            // Who hangs up on a request may have said why.
            written = &mut writing => break written.is_ok(),
            read = more(&mut reader, &mut came) => if read? == 0 { break false },
        }
        if response.is_none() {
            response = head(&mut call, &mut came)?;
        }
        // Who refuses it does not read on; who says something else does.
        if response.as_ref().is_some_and(|response| response.status().as_u16() >= 400) {
            break false;
        }
        if came.len() > HEAD_MAX {
            return Err(Broken);
        }
    };
    Ok(Asked { to: Box::new(to), connection, call, is_said, response, came })
}

/// The head of the response, if all of it came, behind what is said before one.
fn head(
    call: &mut Call<state::RecvResponse>,
    came: &mut Vec<u8>,
) -> Result<Option<Box<Response<()>>>, Broken> {
    loop {
        let (read, response) = call.try_response(came, false)?;
        came.drain(..read);
        if response.is_some() {
            return Ok(response.map(Box::new));
        }
        if came.len() > HEAD_MAX {
            return Err(Broken);
        }
        if read == 0 {
            return Ok(None);
        }
    }
}

/// Waits for more, and has no room for it until it comes.
async fn more(from: &mut (impl AsyncRead + Unpin), came: &mut Vec<u8>) -> io::Result<usize> {
    poll_fn(|context| {
        let mut room = [MaybeUninit::uninit(); PIECE];
        let mut room = ReadBuf::uninit(&mut room);
        ready!(Pin::new(&mut *from).poll_read(context, &mut room))?;
        came.extend_from_slice(room.filled());
        Poll::Ready(Ok(room.filled().len()))
    })
    .await
}
