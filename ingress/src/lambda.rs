//! API Gateway's proxy events, payload format 1.0 (REST API) and 2.0 (HTTP API, Function URL). The module converts an
//! event to the bytes that LINE signed, and the verdict to a response.

use aws_lambda_events::{
    apigw::{ApiGatewayProxyRequest, ApiGatewayProxyResponse, ApiGatewayV2httpRequest},
    encodings::Body,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::value::{RawValue, Value};
use shared::event::log;

use crate::{
    accept::{Accepted, Ingress},
    signature,
};

/// Answers one invocation. An invocation that is not a proxy event is answered with 400.
pub async fn handle(ingress: &Ingress, event: &RawValue) -> ApiGatewayProxyResponse {
    let accepted = match request_of(event) {
        Some((signature, Some(body))) => ingress.accept(signature.as_deref(), &body).await,
        Some((_, None)) => Accepted::NotAWebhook,
        None => {
            log!(warn, InvocationInvalid, "the invocation is not an API Gateway proxy event");
            Accepted::NotAWebhook
        }
    };
    let mut response = ApiGatewayProxyResponse::default();
    response.status_code = i64::from(accepted.status());
    response.body = Some(Body::Empty);
    response
}

type Request = (Option<Vec<u8>>, Option<Vec<u8>>);

/// Returns the signature and the body. The body is `None` if its base64 cannot be decoded.
fn request_of(event: &RawValue) -> Option<Request> {
    #[derive(Deserialize)]
    struct Versioned {
        #[serde(default)]
        version: Value,
    }
    let Versioned { version } = serde_json::from_str(event.get()).ok()?;
    let (headers, body, is_base64) = if version == "2.0" {
        let request: ApiGatewayV2httpRequest = serde_json::from_str(event.get()).ok()?;
        (request.headers, request.body, request.is_base64_encoded)
    } else {
        let request: ApiGatewayProxyRequest = serde_json::from_str(event.get()).ok()?;
        (request.headers, request.body, request.is_base64_encoded)
    };
    let signature = headers.get(signature::HEADER).map(|v| v.as_bytes().to_vec());
    let body = body.unwrap_or_default();
    let bytes = if is_base64 { STANDARD.decode(body).ok() } else { Some(body.into_bytes()) };
    Some((signature, bytes))
}
