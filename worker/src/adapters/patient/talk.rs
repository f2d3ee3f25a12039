//! What is said on a connection of the patient client, and what is heard: HTTP/1.1, one request at a time.

use std::{
    error::Error,
    future::poll_fn,
    io,
    mem::MaybeUninit,
    pin::{Pin, pin},
    task::{Poll, ready},
};

use bytes::Buf;
use http::{Request, Response, header::CONTENT_LENGTH};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf, split};
use ureq_proto::{
    BodyMode,
    client::{Call, RecvBodyResult, RecvResponseResult, SendRequestResult, state},
};

/// The longest head of a response.
const HEAD_MAX: usize = 64 << 10;
/// How much is read at once.
const PIECE: usize = 8 << 10;

pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// As small as what it is: a plain socket holds no room for TLS.
pub(super) type Connection = Box<dyn Stream>;

/// The connection broke, or what came on it is not HTTP.
pub(super) struct Broken;

impl<E: Error> From<E> for Broken {
    fn from(_: E) -> Self {
        Self
    }
}

/// A request that is sent.
pub(super) struct Asked {
    connection: Connection,
    call: Box<Call<state::RecvResponse>>,
    /// Whether all of it was, which some servers do not wait for.
    pub(super) is_said: bool,
    /// What came meanwhile: the response's head, and bytes that are not understood yet.
    response: Option<Box<Response<()>>>,
    came: Vec<u8>,
}

/// Sends a request, and listens meanwhile.
pub(super) async fn say(mut connection: Connection, request: Request<Vec<u8>>) -> Result<Asked, Broken> {
    let (mut parts, body) = request.into_parts();
    parts.headers.insert(CONTENT_LENGTH, body.len().into());
    // For each header and its punctuation, and twice for the URL, of which one is the host.
    let headers: usize =
        parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    let mut lines = vec![0; headers + 2 * parts.uri.to_string().len() + 100];
    let mut call = Call::new(Request::from_parts(parts, ()))?.proceed();
    let written = call.write(&mut lines)?;
    lines.truncate(written);
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
    Ok(Asked { connection, call, is_said, response, came })
}

impl Asked {
    /// Waits for the response to begin.
    pub(super) async fn begins(&mut self) -> Result<(), Broken> {
        let has_begun = self.response.is_some() || !self.came.is_empty();
        if has_begun || more(&mut self.connection, &mut self.came).await? > 0 { Ok(()) } else { Err(Broken) }
    }

    /// Reads the response, of a body longer than `max` nothing; and gives the connection back if it is free for
    /// another request.
    pub(super) async fn hear(self, max: usize) -> Result<(Response<Vec<u8>>, Option<Connection>), Broken> {
        let Self { mut connection, mut call, is_said, mut response, mut came } = self;
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
        let ended = match call.proceed() {
            Some(RecvResponseResult::Cleanup(call)) => Some(call),
            Some(RecvResponseResult::RecvBody(mut call)) => {
                read_body(&mut call, &mut connection, &mut came, &mut body, max).await?;
                match call.proceed() {
                    Some(RecvBodyResult::Cleanup(call)) => Some(call),
                    _ => None,
                }
            }
            _ => None,
        };
        let is_free = is_said && came.is_empty() && ended.is_some_and(|call| !call.must_close_connection());
        Ok((response.map(|()| body), is_free.then_some(connection)))
    }
}

/// Reads a body to its end, or until it is longer than `max` and nothing of it is kept.
async fn read_body(
    call: &mut Call<state::RecvBody>,
    connection: &mut Connection,
    came: &mut Vec<u8>,
    body: &mut Vec<u8>,
    max: usize,
) -> Result<(), Broken> {
    let ends_with_connection = call.body_mode() == BodyMode::CloseDelimited;
    while ends_with_connection || !call.can_proceed() {
        let mut part = vec![0; came.len()];
        let (read, written) = call.read(came, &mut part)?;
        came.drain(..read);
        body.extend_from_slice(&part[..written]);
        if body.len() > max {
            body.clear();
            return Ok(());
        }
        if read > 0 {
            continue;
        }
        // What is left is the line of a chunk, which is short.
        if came.len() > PIECE {
            return Err(Broken);
        }
        if more(connection, came).await? == 0 {
            return if ends_with_connection { Ok(()) } else { Err(Broken) };
        }
    }
    Ok(())
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
pub(super) async fn more(from: &mut (impl AsyncRead + Unpin), came: &mut Vec<u8>) -> io::Result<usize> {
    poll_fn(|context| {
        let mut room = [MaybeUninit::uninit(); PIECE];
        let mut room = ReadBuf::uninit(&mut room);
        ready!(Pin::new(&mut *from).poll_read(context, &mut room))?;
        came.extend_from_slice(room.filled());
        Poll::Ready(Ok(room.filled().len()))
    })
    .await
}
