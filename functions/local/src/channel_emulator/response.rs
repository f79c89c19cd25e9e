//! HTTP responses of the channel emulator.

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use http_body_util::Full;
use serde_json::Value;

/// An HTTP response.
pub(super) type Response = http::Response<Full<Bytes>>;

/// Returns a JSON response.
pub(super) fn json(status: u16, body: &Value) -> Response {
    text(status, "application/json; charset=utf-8", body.to_string())
}

/// Returns a response without a body.
pub(super) fn empty(status: u16) -> Response {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

/// Returns a response with a text of any type.
pub(super) fn text(status: u16, content_type: &'static str, body: String) -> Response {
    let mut response = empty(status);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    *response.body_mut() = Full::from(body);
    response
}
