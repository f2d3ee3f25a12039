//! The content of a message, which is not in its JSON (LINE, "Get content", "Get a preview image of the image or video").
//! It is read only up to its limit, and only while there is room for it, because many people send images at once.

use std::time::Duration;

use reqwest::{Response, StatusCode, Url};
use serde::Deserialize;
use shared::{event::log, job::MessageId};
use tokio::time::timeout;

use super::{
    client::{BODY_MAX, LineClient, SIDE_TIMEOUT, refused},
    content_budget::QuestionRoom,
};
use crate::{
    adapters::http,
    failure::{Failure, Reason, RetryPolicy},
    rules::content::Content,
};

/// The time that LINE may take to answer. Then `READ_TIMEOUT` is the time for the bytes.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
const READ_TIMEOUT: Duration = Duration::from_mins(1);
/// The result of a request for a message's content.
#[derive(Debug)]
pub enum Fetched {
    /// The bytes of the content.
    Available(Content),
    /// LINE is still preparing the content.
    Preparing,
    /// There is no content: the message was unsent, the content has expired or never existed, or LINE could not prepare
    /// it.
    Gone,
    /// LINE calls the request a bad one. It did so for good requests during an outage, so that it may send the content
    /// later.
    Refused(Failure),
    /// The content has more bytes than were asked for.
    TooLarge,
}

impl LineClient {
    /// Waits for the room for all media of one question.
    pub async fn room_of_question(&self) -> QuestionRoom {
        self.content_budget.room_of_question().await
    }

    /// Fetches the content of a message, of at most `max` bytes. If its question has several media, it takes the room
    /// of the question, and content for which that has no room left is too large.
    pub async fn content(
        &self,
        message: &MessageId,
        max: usize,
        room: Option<&QuestionRoom>,
    ) -> Result<Fetched, Failure> {
        self.fetched(message, "", max, room).await
    }

    /// Fetches the preview image of a video message, of at most `max` bytes.
    pub async fn preview(&self, message: &MessageId, max: usize) -> Result<Fetched, Failure> {
        self.fetched(message, "/preview", max, None).await
    }

    async fn fetched(
        &self,
        message: &MessageId,
        part: &str,
        max: usize,
        room: Option<&QuestionRoom>,
    ) -> Result<Fetched, Failure> {
        let content = http::below(&self.data_base_url, &format!("/v2/bot/message/{message}/content"));
        let url = http::below(&content, part);
        let whole = ANSWER_TIMEOUT + READ_TIMEOUT * 5;
        let request = self
            .exchange("/v2/bot/message/{messageId}/content", || self.http.get(url.clone()).timeout(whole));
        let response = match timeout(ANSWER_TIMEOUT, request).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(failed(format!("content: {}", error.detail))),
            Err(_) => return Err(failed("content: no answer in time".to_owned())),
        };
        let detail = self.detail("content", &response);
        log!(
            info,
            ContentRequested,
            status = response.status().as_u16(),
            request = self.id(&response),
            "LINE was asked for content"
        );
        match response.status() {
            StatusCode::ACCEPTED => Ok(self.preparation(&content).await),
            status if status.is_success() => self.read(response, max, room).await,
            StatusCode::UNAUTHORIZED => Err(Failure::permanent(Reason::LineAuth, detail)),
            status @ StatusCode::FORBIDDEN => {
                Err(Failure::permanent(Reason::LineRejected, refused(status, &detail)))
            }
            StatusCode::BAD_REQUEST => Ok(Fetched::Refused(failed(detail))),
            status if status.is_client_error() && !is_passing(status) => Ok(Fetched::Gone),
            _ => {
                let retry = RetryPolicy::Retry(http::retry_after(response.headers(), (self.clock)()));
                Err(Failure { retry, ..failed(detail) })
            }
        }
    }

    /// Reads the body of a response. Until there is room for it, the body waits at LINE.
    async fn read(
        &self,
        response: Response,
        max: usize,
        question: Option<&QuestionRoom>,
    ) -> Result<Fetched, Failure> {
        let length = response.content_length().and_then(|length| usize::try_from(length).ok());
        // If LINE does not send the length, room for the largest content is taken.
        let size = length.unwrap_or_else(|| question.map_or(max, |room| room.left().min(max)));
        if size > max {
            return Ok(Fetched::TooLarge);
        }
        let size_kib = u32::try_from(size.div_ceil(1 << 10)).unwrap_or(u32::MAX);
        let room = match question {
            Some(question) => question.take(size_kib),
            None => Some(self.content_budget.room(size_kib).await),
        };
        let Some(mut room) = room else { return Ok(Fetched::TooLarge) };
        let read = timeout(READ_TIMEOUT, http::body(response, size)).await;
        let needed_kib = match &read {
            Ok(Ok(Some(bytes))) => bytes.len().div_ceil(1 << 10),
            _ => 0,
        };
        let rest = room.split(room.num_permits().saturating_sub(needed_kib));
        if let Some((question, rest)) = question.zip(rest) {
            question.give_back(rest);
        }
        match read {
            Ok(Ok(Some(bytes))) => Ok(Fetched::Available(Content { bytes: bytes.into(), room })),
            Ok(Ok(None)) => Ok(Fetched::TooLarge),
            Ok(Err(error)) => Err(failed(format!("content: {}", http::no_response(&error)))),
            Err(_) => Err(failed("content: it did not come in time".to_owned())),
        }
    }

    /// Asks how far LINE's preparation is (LINE, "Verify the preparation status of a video or audio for getting").
    async fn preparation(&self, content: &Url) -> Fetched {
        #[derive(Deserialize)]
        struct Answer {
            status: String,
        }
        let url = http::below(content, "/transcoding");
        let endpoint = "/v2/bot/message/{messageId}/content/transcoding";
        let asked = self.exchange(endpoint, || self.http.get(url.clone()).timeout(SIDE_TIMEOUT)).await;
        let Ok(response) = asked else { return Fetched::Preparing };
        let body = http::body(response, BODY_MAX).await.ok().flatten().unwrap_or_default();
        match serde_json::from_slice(&body) {
            Ok(Answer { status }) if status == "failed" => Fetched::Gone,
            _ => Fetched::Preparing,
        }
    }
}

fn is_passing(status: StatusCode) -> bool {
    matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
}

fn failed(detail: String) -> Failure {
    Failure::retryable(Reason::LineRejected, detail)
}
