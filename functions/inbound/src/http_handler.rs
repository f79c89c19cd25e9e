//! Handles an HTTP request: method, path, sizes, token, body, and the status of each outcome.
//! `receive` handles the body once it is authenticated.

use std::time::Duration;

use herald::channel::auth::{Check, Unauthenticated};
use herald::clock::{elapsed_ms, timeout};
use jiff::Timestamp;
use lambda_http::http::header::{ALLOW, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, WWW_AUTHENTICATE};
use lambda_http::http::{HeaderMap, Method, StatusCode};
use lambda_http::{Body, Error, Request, RequestExt, Response};
use serde_json::Value;
use tracing::{error, info};

use crate::Inbound;
use crate::receive::{Accepted, Ids, receive};
use crate::rejection::Rejection;
use crate::respond::InlineResponse;

/// Largest accepted body, in bytes.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// Time limit of a request, of the 15 s that the channel gives. A request that exceeds it is answered 503, and the
/// channel sends it again.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(8);

/// Answers one request.
///
/// # Errors
///
/// The response cannot be built, which does not happen: every outcome has a status.
pub async fn handle(inbound: &Inbound, request: Request) -> Result<Response<Body>, Error> {
    let started_at = inbound.clock.now();
    // On the heap: it is awaited through several layers.
    let answered = Box::pin(answer(inbound, &request));
    let answer = match timeout(inbound.clock.as_ref(), REQUEST_TIMEOUT, answered).await {
        Some(answer) => answer,
        None => Answer::Unavailable("request took longer than 8 s"),
    };
    let duration_ms = elapsed_ms(inbound.clock.as_ref(), started_at);
    let status = answer.status().as_u16();
    match &answer {
        Answer::Unavailable(reason) => error!(status, duration_ms, "could not accept an activity: {reason}"),
        Answer::Unauthenticated(reason) => info!(status, duration_ms, "rejected a request: {reason}"),
        Answer::Rejected(_, reason) => info!(status, duration_ms, "rejected a request: {reason}"),
        Answer::Accepted(Ids { job, reference }) => info!(
            status,
            duration_ms,
            job.id = job.as_str(),
            reference.key = reference.as_str(),
            "accepted an activity"
        ),
        Answer::Inline(Ids { job, reference }, _) => info!(
            status,
            duration_ms,
            job.id = job.as_str(),
            reference.key = reference.as_str(),
            "answered an activity inline"
        ),
        Answer::Own => info!(status, duration_ms, "ignored an activity of the agent itself"),
    }
    answer.into_response()
}

/// The outcome of a request.
enum Answer {
    Accepted(Ids),
    Inline(Ids, InlineResponse),
    Own,
    Unauthenticated(&'static str),
    Rejected(StatusCode, String),
    Unavailable(&'static str),
}

async fn answer(inbound: &Inbound, request: &Request) -> Answer {
    let checks = inbound.validator.checks;
    let headers = request.headers();
    let body: &[u8] = request.body().as_ref();
    let require = |check, holds, status| {
        let held = checks.require(check, holds);
        held.map_err(|check: Check| Answer::Rejected(status, check.reason().to_owned()))
    };
    let is_found = is_messages(request.raw_http_path());
    let is_posted = request.method() == Method::POST;
    if let Err(rejected) = require(Check::Path, is_found, StatusCode::NOT_FOUND)
        .and_then(|()| require(Check::Method, is_posted, StatusCode::METHOD_NOT_ALLOWED))
    {
        return rejected;
    }
    // The header before the body: no byte of an unauthenticated body is parsed.
    let authenticated = match inbound.authenticator.authenticate(authorization(headers)).await {
        Ok(authenticated) => authenticated,
        Err(Unauthenticated::Rejected(reason)) => return Answer::Unauthenticated(reason),
        Err(Unauthenticated::NoKeys(_)) => {
            return Answer::Unavailable("signing keys of the channel are unavailable");
        }
    };
    let is_plain = !headers.contains_key(CONTENT_ENCODING);
    let is_short = body.len() <= MAX_BODY_BYTES;
    if let Err(rejected) = require(Check::ContentEncoding, is_plain, StatusCode::UNSUPPORTED_MEDIA_TYPE)
        .and_then(|()| require(Check::ContentType, is_json(headers), StatusCode::UNSUPPORTED_MEDIA_TYPE))
        .and_then(|()| require(Check::BodySize, is_short, StatusCode::PAYLOAD_TOO_LARGE))
    {
        return rejected;
    }
    let arrived_at = arrived_at(request).unwrap_or_else(|| inbound.clock.now());
    match Box::pin(receive(inbound, &authenticated, body, arrived_at)).await {
        Ok(Accepted::Queued(ids)) => Answer::Accepted(ids),
        Ok(Accepted::Answered(ids, response)) => Answer::Inline(ids, response),
        Ok(Accepted::Own) => Answer::Own,
        Err(Rejection::Malformed(reason)) => Answer::Rejected(StatusCode::BAD_REQUEST, reason),
        Err(Rejection::TokenMismatch) => Answer::Unauthenticated(Check::ServiceUrl.reason()),
        Err(Rejection::Forbidden(reason)) => Answer::Rejected(StatusCode::FORBIDDEN, reason),
        Err(Rejection::TooLarge) => {
            let reason = "activity does not fit into the queue";
            Answer::Rejected(StatusCode::PAYLOAD_TOO_LARGE, reason.to_owned())
        }
        Err(Rejection::Unavailable) => Answer::Unavailable("queue did not accept the turn"),
    }
}

/// When the gateway received a request, in milliseconds since 1970; an extension of the request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimeEpoch(pub(crate) i64);

/// Returns when the gateway received the request, where it says so.
fn arrived_at(request: &Request) -> Option<Timestamp> {
    let TimeEpoch(milliseconds) = request.extensions().get().filter(|TimeEpoch(at)| *at > 0)?;
    Timestamp::from_millisecond(*milliseconds).ok()
}

/// Whether `path` is `/api/messages`: with or without a slash at its end, and with the stage or the base path of a custom
/// domain in front. Segments are compared as spelled; none is empty, encoded, `.` or `..`.
fn is_messages(path: &str) -> bool {
    let path = path.strip_suffix('/').unwrap_or(path);
    let Some(front) = path.strip_suffix("/api/messages") else { return false };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.~$".contains(c);
    let is_segment =
        |name: &str| !name.is_empty() && name.chars().all(is_plain) && !matches!(name, "." | "..");
    front.is_empty() || front.strip_prefix('/').is_some_and(|names| names.split('/').all(is_segment))
}

/// Returns the `Authorization` header; `None` unless there is exactly one.
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
            Self::Accepted(_) => StatusCode::ACCEPTED,
            Self::Own => StatusCode::OK,
            Self::Inline(_, response) => {
                StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            }
            Self::Rejected(status, _) => *status,
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
            Self::Inline(_, InlineResponse { body: Value::Null, .. }) => Body::Empty,
            Self::Inline(_, InlineResponse { body, .. }) => {
                return Ok(response
                    .header(CONTENT_TYPE, "application/json")
                    .body(Body::Text(body.to_string()))?);
            }
            // A 401 has no body: it reveals nothing.
            Self::Rejected(_, reason) => Body::Text(reason),
            Self::Accepted(_) | Self::Own | Self::Unauthenticated(_) | Self::Unavailable(_) => Body::Empty,
        };
        Ok(response.body(body)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_may_have_a_slash_at_its_end_and_a_stage_or_base_path_in_front() {
        for path in [
            "/api/messages",
            "/api/messages/",
            "/prod/api/messages",
            "/prod/api/messages/",
            "/$default/api/messages",
            "/agents/v1.2/order_desk/api/messages",
            "/api/api/messages",
            "/api/messages/api/messages",
        ] {
            assert!(is_messages(path), "{path}");
        }
        for path in [
            "",
            "/",
            "api/messages",
            "prod/api/messages",
            "//api/messages",
            "/prod//api/messages",
            "/api//messages",
            "/api/messages//",
            "/./api/messages",
            "/../api/messages",
            "/prod/../api/messages",
            "/%2e%2e/api/messages",
            "/a%2fb/api/messages",
            "/prod%2fapi/messages",
            "/api%2fmessages",
            "/api/messages%2f",
            "/a b/api/messages",
            "/é/api/messages",
            "/a\\b/api/messages",
            "/a;b/api/messages",
            "/xapi/messages",
            "/API/messages",
            "/api/messages/x",
            "/api/messages?x",
        ] {
            assert!(!is_messages(path), "{path}");
        }
    }
}
