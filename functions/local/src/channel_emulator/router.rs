//! Routes requests to the parts of the channel. Paths are split before they are decoded, so an encoded slash stays
//! inside its segment; nothing is decoded twice and `+` is a plus. It handles no request itself.

use http::request::Parts;
use http::{HeaderValue, Method, Request, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;

use super::refusal::Refusal;
use super::response::{Response, empty};
use super::state::State;
use super::{connector, key_documents, regions, token_endpoint};
use crate::fault_injection::Disconnected;

/// Largest request body, in bytes.
const MAX_BODY_BYTES: usize = 1 << 20;

/// Handles one request, or closes the connection.
pub(super) async fn answer(state: &State, request: Request<Incoming>) -> Result<Response, Disconnected> {
    let (head, body) = request.into_parts();
    if !state.own.admits(&head.headers) {
        return Ok(empty(403));
    }
    let mut response = match Limited::new(body, MAX_BODY_BYTES).collect().await {
        Ok(body) => route(state, &head, &body.to_bytes()).await?,
        Err(_) => Refusal::new(413, "RequestEntityTooLarge", "Request is too large").response(),
    };
    let date =
        jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&state.options.clock.now());
    if let Some(date) = date.ok().and_then(|date| HeaderValue::from_str(&date).ok()) {
        response.headers_mut().insert(header::DATE, date);
    }
    Ok(response)
}

async fn route(state: &State, head: &Parts, body: &[u8]) -> Result<Response, Disconnected> {
    let Some(segments) = segments(head.uri.path()) else {
        return Ok(Refusal::new(400, "BadSyntax", "Path is not percent-encoded UTF-8").response());
    };
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let answered = Box::pin(perform(state, head, &segments, body));
    let refused = || Refusal::new(403, "Refused", "The test does not let this through").response();
    state.faults.apply(operation(&head.method, &segments), answered, refused).await
}

/// Returns the operation of a request, for fault injection.
fn operation(method: &Method, segments: &[&str]) -> &'static str {
    match (method, segments) {
        (_, [_, "oauth2", ..]) => "channel.Token",
        (_, ["v1", ..]) => "channel.Keys",
        _ if is_creation(segments) => "channel.Create",
        (&Method::POST, [.., _, "activities"] | [.., "activities", _]) => "channel.Send",
        (&Method::PUT, [.., "activities", _]) => "channel.Update",
        (&Method::DELETE, [.., "activities", _]) => "channel.Delete",
        _ => "channel.Other",
    }
}

async fn perform(
    state: &State,
    head: &Parts,
    segments: &[&str],
    body: &[u8],
) -> Result<Response, Disconnected> {
    match (&head.method, segments) {
        (&Method::POST, [tenant, "oauth2", "v2.0", "token"]) => {
            token_endpoint::answer(state, tenant, body).await
        }
        (&Method::GET, ["v1", ".well-known", "openidconfiguration"]) => {
            key_documents::answer_metadata(state).await
        }
        (&Method::GET, ["v1", ".well-known", "keys"]) => key_documents::answer_keys(state).await,
        _ => match regions::split(segments) {
            Some((region, path)) => connector::answer(state, head, region, path, body).await,
            None => Ok(empty(404)),
        },
    }
}

fn is_creation(segments: &[&str]) -> bool {
    regions::split(segments).is_some_and(|(_, path)| path.is_empty())
}

/// Returns the segments of a raw path, each decoded once; `None` if an escape is invalid or the result is not UTF-8.
fn segments(path: &str) -> Option<Vec<String>> {
    path.trim_start_matches('/').split('/').map(decode).collect()
}

fn decode(segment: &str) -> Option<String> {
    let is_escape = |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    if !segment.split('%').skip(1).all(is_escape) {
        return None;
    }
    Some(percent_decode_str(segment).decode_utf8().ok()?.into_owned())
}

#[cfg(test)]
mod tests {
    use super::segments;

    #[test]
    fn each_segment_is_decoded_once() {
        let decoded = segments("/19%3Aa%40b%3Bmessageid%3D1%2F..%2Fx/a+b/%2525/..").unwrap();

        assert_eq!(decoded, ["19:a@b;messageid=1/../x", "a+b", "%25", ".."]);
        assert_eq!(segments("/%zz"), None);
        assert_eq!(segments("/a%2"), None);
        assert_eq!(segments("/%FF"), None);
    }
}
