//! Converts an HTTP API event (payload version 2.0) to a request, and a response to its format.
//!
//! It rejects no request: `lambda_http` panics on malformed headers and bodies, this conversion leaves them out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambda_http::http::{HeaderMap, HeaderName, HeaderValue, Method};
use lambda_http::{Body, Error, Request, RequestExt, Response};
use serde_json::{Map, Value, json};

use crate::Inbound;
use crate::http_handler::{self, TimeEpoch};

/// The event is not an HTTP request of API Gateway or a function URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("event is not an HTTP request in payload version 2.0: invoke the function through its HTTP API")]
pub struct NotHttp;

/// Answers the request in `event`.
///
/// # Errors
///
/// [`NotHttp`]; every request has a response.
pub async fn handle(inbound: &Inbound, event: &Value) -> Result<Value, Error> {
    let response = http_handler::handle(inbound, request(event)?).await?;
    Ok(payload(&response))
}

/// Returns the request in `event`. Whatever HTTP does not allow is left out, and fails the checks as missing.
fn request(event: &Value) -> Result<Request, NotHttp> {
    let path = event["rawPath"].as_str().filter(|_| event["version"] == "2.0").ok_or(NotHttp)?;
    let method = event["requestContext"]["http"]["method"].as_str().unwrap_or("POST");
    let mut request = Request::new(body(event));
    // An invalid method is not POST either.
    *request.method_mut() = Method::from_bytes(method.as_bytes()).unwrap_or(Method::TRACE);
    *request.headers_mut() = event["headers"].as_object().map(headers).unwrap_or_default();
    if let Some(milliseconds) = event["requestContext"]["timeEpoch"].as_i64() {
        request.extensions_mut().insert(TimeEpoch(milliseconds));
    }
    Ok(request.with_raw_http_path(path))
}

fn headers(named: &Map<String, Value>) -> HeaderMap {
    let header = |(name, value): (&String, &Value)| {
        let value = HeaderValue::from_str(value.as_str()?).ok()?;
        Some((HeaderName::from_bytes(name.as_bytes()).ok()?, value))
    };
    let mut headers = HeaderMap::new();
    for (name, value) in named.iter().filter_map(header).take(MAX_HEADERS) {
        headers.append(name, value);
    }
    headers
}

/// Most headers of a request: more than API Gateway passes on, fewer than a header map can hold.
const MAX_HEADERS: usize = 4096;

/// Returns the decoded body; empty where it cannot be decoded.
fn body(event: &Value) -> Body {
    let Some(text) = event["body"].as_str() else { return Body::Empty };
    if event["isBase64Encoded"] != true {
        return Body::Text(text.to_owned());
    }
    STANDARD.decode(text).map_or(Body::Empty, Body::Binary)
}

fn payload(response: &Response<Body>) -> Value {
    let header = |(name, value): (&HeaderName, &HeaderValue)| {
        Some((name.as_str().to_owned(), Value::from(value.to_str().ok()?)))
    };
    json!({
        "statusCode": response.status().as_u16(),
        "headers": response.headers().iter().filter_map(header).collect::<Map<_, _>>(),
        "body": std::str::from_utf8(response.body().as_ref()).unwrap_or_default(),
        "isBase64Encoded": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_has_the_time_of_its_receipt_if_the_event_has() {
        let time_of = |context: Value| {
            let event = json!({ "version": "2.0", "rawPath": "/api/messages", "requestContext": context });
            request(&event).unwrap().extensions().get::<TimeEpoch>().map(|TimeEpoch(at)| *at)
        };

        assert_eq!(time_of(json!({ "timeEpoch": 1_795_338_000_000_i64 })), Some(1_795_338_000_000));
        assert_eq!(time_of(json!({ "timeEpoch": "soon" })), None);
        assert_eq!(time_of(json!({})), None);
    }
}
