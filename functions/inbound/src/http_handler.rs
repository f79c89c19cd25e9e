//! HTTP in, HTTP out: method, path, sizes, token, body, and the status of each outcome.
//! What an accepted activity leads to is `accept`'s; how a request comes out of Lambda's event, `event`'s.

use std::time::Duration;

use herald::channel::auth::{Check, Unauthenticated};
use herald::clock::timeout;
use lambda_http::http::header::{ALLOW, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, WWW_AUTHENTICATE};
use lambda_http::http::{HeaderMap, Method, StatusCode};
use lambda_http::{Body, Error, Request, RequestExt, Response};
use serde_json::Value;
use tracing::{error, info};

use crate::Inbound;
use crate::accept::{Accepted, Refusal};

/// Largest body taken, in bytes.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// The channel gives 15 s; what is not stored by then is answered 503, and the channel sends it again.
const DEADLINE: Duration = Duration::from_secs(8);

/// Answers one request.
///
/// # Errors
///
/// None in practice: every outcome has its status.
pub async fn handle(inbound: &Inbound, request: Request) -> Result<Response<Body>, Error> {
    let begun = inbound.clock.now();
    // On the heap: it is awaited through several layers.
    let answered = Box::pin(answer(inbound, &request));
    let answer = match timeout(inbound.clock.as_ref(), DEADLINE, answered).await {
        Some(answer) => answer,
        None => Answer::Unavailable("it took longer than 8 s"),
    };
    let duration_ms = inbound.clock.now().duration_since(begun).as_millis();
    let status = answer.status().as_u16();
    match &answer {
        Answer::Unavailable(reason) => error!(status, duration_ms, "could not take an activity: {reason}"),
        Answer::Unauthenticated(reason) => info!(status, duration_ms, "refused a request: {reason}"),
        Answer::Refused(_, reason) => info!(status, duration_ms, "refused a request: {reason}"),
        Answer::Accepted => info!(status, duration_ms, "took an activity"),
        Answer::Inline(..) => info!(status, duration_ms, "answered an activity at once"),
    }
    answer.into_response()
}

enum Answer {
    Accepted,
    Inline(u16, Value),
    Unauthenticated(&'static str),
    Refused(StatusCode, String),
    Unavailable(&'static str),
}

async fn answer(inbound: &Inbound, request: &Request) -> Answer {
    let checks = inbound.checks;
    let headers = request.headers();
    let body: &[u8] = request.body().as_ref();
    let hold = |check, holds, status| {
        let held = checks.require(check, holds);
        held.map_err(|check| Answer::Refused(status, check.reason().to_owned()))
    };
    let is_found = request.raw_http_path() == "/api/messages";
    let is_posted = request.method() == Method::POST;
    if let Err(refused) = hold(Check::Path, is_found, StatusCode::NOT_FOUND)
        .and_then(|()| hold(Check::Method, is_posted, StatusCode::METHOD_NOT_ALLOWED))
    {
        return refused;
    }
    // The header before the body: nothing of what a stranger wrote is looked at.
    let authenticated = match inbound.authenticator.authenticate(authorization(headers)).await {
        Ok(authenticated) => authenticated,
        Err(Unauthenticated::Refused(reason)) => return Answer::Unauthenticated(reason),
        Err(Unauthenticated::NoKeys(_)) => {
            return Answer::Unavailable("the channel's signing keys are out of reach");
        }
    };
    let is_plain = !headers.contains_key(CONTENT_ENCODING);
    let is_short = body.len() <= MAX_BODY_BYTES;
    if let Err(refused) = hold(Check::ContentEncoding, is_plain, StatusCode::UNSUPPORTED_MEDIA_TYPE)
        .and_then(|()| hold(Check::ContentType, is_json(headers), StatusCode::UNSUPPORTED_MEDIA_TYPE))
        .and_then(|()| hold(Check::BodySize, is_short, StatusCode::PAYLOAD_TOO_LARGE))
    {
        return refused;
    }
    match Box::pin(inbound.accept(&authenticated, body)).await {
        Ok(Accepted::Queued) => Answer::Accepted,
        Ok(Accepted::Answered { status, body }) => Answer::Inline(status, body),
        Err(Refusal::Malformed(reason)) => Answer::Refused(StatusCode::BAD_REQUEST, reason),
        Err(Refusal::OtherToken) => Answer::Unauthenticated(Check::ServiceUrl.reason()),
        Err(Refusal::Forbidden(reason)) => Answer::Refused(StatusCode::FORBIDDEN, reason),
        Err(Refusal::TooLarge) => {
            let reason = "activity does not fit into the queue";
            Answer::Refused(StatusCode::PAYLOAD_TOO_LARGE, reason.to_owned())
        }
        Err(Refusal::Unavailable) => Answer::Unavailable("the queue did not take it"),
    }
}

/// The one `Authorization` header; two of them are none.
fn authorization(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = value.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    let is_utf8 = parts.all(|parameter| match parameter.split_once('=') {
        Some((name, charset)) if name.trim().eq_ignore_ascii_case("charset") => {
            charset.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        _ => true,
    });
    is_json && is_utf8
}

impl Answer {
    fn status(&self) -> StatusCode {
        match self {
            Self::Accepted => StatusCode::ACCEPTED,
            Self::Inline(status, _) => {
                StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            }
            Self::Refused(status, _) => *status,
            Self::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn into_response(self) -> Result<Response<Body>, Error> {
        let status = self.status();
        let response = Response::builder().status(status);
        let response = match status {
            StatusCode::METHOD_NOT_ALLOWED => response.header(ALLOW, "POST"),
            StatusCode::UNAUTHORIZED => response.header(WWW_AUTHENTICATE, "Bearer"),
            _ => response,
        };
        let body = match self {
            Self::Inline(_, Value::Null) => Body::Empty,
            Self::Inline(_, body) => {
                return Ok(response
                    .header(CONTENT_TYPE, "application/json")
                    .body(Body::Text(body.to_string()))?);
            }
            // A 401 tells nothing.
            Self::Refused(_, reason) => Body::Text(reason),
            Self::Accepted | Self::Unauthenticated(_) | Self::Unavailable(_) => Body::Empty,
        };
        Ok(response.body(body)?)
    }
}
