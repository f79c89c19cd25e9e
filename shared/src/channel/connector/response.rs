//! Decodes responses of the connector and classifies its errors (docs/protocol.md §1.7, §1.8).
//!
//! Bodies are decoded for codes and ids and never logged.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::channel::http;
use crate::protocol::channel_error::{Ambiguity, ConnectorError, RejectionReason};

/// Upper bound of `Retry-After`.
const MAX_WAIT: Duration = Duration::from_secs(3600);

/// Decodes a response; `None` when the request was accepted and the body is not a `T`.
pub(super) async fn read<T: DeserializeOwned>(
    answer: reqwest::Response,
) -> Result<Option<T>, ConnectorError> {
    let status = answer.status();
    let wait = retry_after(answer.headers());
    // The status is the result, even if the body is lost.
    let body = http::read_body(answer).await.unwrap_or_default();
    if status.is_success() {
        // The request was accepted, whatever the body contains (fault model W16).
        return Ok(serde_json::from_slice(&body).ok());
    }
    Err(error(status, wait, &body))
}

fn error(status: StatusCode, retry_after: Option<Duration>, body: &[u8]) -> ConnectorError {
    let ErrorBody { code, message } = ErrorBody::read(body);
    match status.as_u16() {
        429 => ConnectorError::Throttled { retry_after },
        412 => ConnectorError::Busy,
        401 => ConnectorError::Unauthorized { code },
        502..=504 => ConnectorError::Ambiguous { loss: Ambiguity::GatewayError, cause: status_error(status) },
        // No other protocol was requested, so the result of the request is unknown.
        100..=199 | 408 | 500..=599 => {
            ConnectorError::Ambiguous { loss: Ambiguity::LostReply, cause: status_error(status) }
        }
        status => {
            let rejection = RejectionReason::of(status, code.as_deref(), &message);
            ConnectorError::Rejected { status, code, rejection }
        }
    }
}

fn status_error(status: StatusCode) -> crate::error::BoxError {
    format!("channel answered {}", status.as_u16()).into()
}

/// Body of an error response, in any of its documented shapes (docs/protocol.md §1.7).
#[derive(Default)]
struct ErrorBody {
    /// Error code of the channel.
    code: Option<String>,
    /// Message; never logged, because it may contain ids.
    message: String,
}

impl ErrorBody {
    fn read(body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Body {
            #[serde(default)]
            error: Option<Inner>,
            #[serde(default)]
            message: Option<String>,
        }
        #[derive(Deserialize)]
        struct Inner {
            #[serde(default)]
            code: Option<String>,
            #[serde(default)]
            message: Option<String>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Nested {
            sub_code: String,
        }

        let Ok(body) = serde_json::from_slice::<Body>(body) else { return Self::default() };
        let nested = body.message.as_deref().and_then(|text| serde_json::from_str::<Nested>(text).ok());
        let (code, message) = body.error.map_or((None, None), |inner| (inner.code, inner.message));
        let is_plausible = |code: &String| {
            (1..=64).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        Self {
            code: code.or_else(|| nested.map(|nested| nested.sub_code)).filter(is_plausible),
            message: message.or(body.message).unwrap_or_default(),
        }
    }
}

/// Returns the error of a request without a response; only a failure to connect is certain to have sent nothing.
pub(super) fn transport_error(error: reqwest::Error) -> ConnectorError {
    let error = error.without_url();
    if error.is_connect() || error.is_builder() {
        ConnectorError::not_sent(error)
    } else {
        ConnectorError::ambiguous(error)
    }
}

/// Returns `Retry-After`, given in seconds or as a date, clamped to one second to one hour; `None` if malformed.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = |text: &str| jiff::fmt::rfc2822::parse(text).ok().map(|at| at.timestamp());
            let now: Timestamp = headers.get(DATE).and_then(|at| date(at.to_str().ok()?))?;
            date(text)?.duration_since(now).try_into().unwrap_or(Duration::ZERO)
        }
    };
    Some(wait.clamp(Duration::from_secs(1), MAX_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(reqwest::header::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn codes_are_decoded_from_every_shape() {
        let code = |body: &[u8]| ErrorBody::read(body).code;

        assert_eq!(code(br#"{"error":{"code":"BadSyntax","message":"m"}}"#).as_deref(), Some("BadSyntax"));
        let nested =
            br#"{"errorCode":209,"message":"{\"subCode\":\"MessageWritesBlocked\",\"details\":\"d\"}"}"#;
        assert_eq!(code(nested).as_deref(), Some("MessageWritesBlocked"));
        assert_eq!(code(br#"{"message":"Authorization has been denied for this request."}"#), None);
        assert_eq!(code(b"<html>"), None);
        assert_eq!(code(b""), None);
        assert_eq!(code(br#"{"error":{"code":""}}"#), None);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_within_bounds() {
        let date = (DATE, "Sun, 22 Nov 2026 09:00:00 GMT");
        let seconds = |headers: &HeaderMap| retry_after(headers).map(|wait| wait.as_secs());

        assert_eq!(seconds(&headers(&[(RETRY_AFTER, "7")])), Some(7));
        assert_eq!(seconds(&headers(&[(RETRY_AFTER, "0")])), Some(1));
        assert_eq!(seconds(&headers(&[(RETRY_AFTER, "1000000000")])), Some(3600));
        assert_eq!(
            seconds(&headers(&[(RETRY_AFTER, "Sun, 22 Nov 2026 09:00:30 GMT"), date.clone()])),
            Some(30)
        );
        assert_eq!(seconds(&headers(&[(RETRY_AFTER, "Sun, 22 Nov 2026 08:00:00 GMT"), date])), Some(1));
        assert_eq!(seconds(&headers(&[(RETRY_AFTER, "-1")])), None);
        assert_eq!(seconds(&headers(&[(RETRY_AFTER, "soon")])), None);
    }

    #[test]
    fn statuses_that_may_have_been_shown_are_retried_within_the_budget() {
        let retry =
            |status: u16, body: &[u8]| error(StatusCode::from_u16(status).unwrap(), None, body).retry();
        use crate::protocol::channel_error::Retry::{After, Backoff, Never, WithinResendBudget};

        assert_eq!(retry(429, b""), Backoff);
        assert_eq!(retry(412, b""), Backoff);
        assert_eq!(retry(400, b""), Never);
        assert_eq!(retry(403, br#"{"error":{"code":"ConversationBlockedByUser"}}"#), Never);
        assert_eq!(retry(307, b""), Never);
        assert_eq!(retry(401, b""), After(Duration::from_secs(300)));
        assert_eq!(retry(101, b""), WithinResendBudget(Ambiguity::LostReply));
        assert_eq!(retry(408, b""), WithinResendBudget(Ambiguity::LostReply));
        assert_eq!(retry(500, b""), WithinResendBudget(Ambiguity::LostReply));
        assert_eq!(retry(503, b""), WithinResendBudget(Ambiguity::GatewayError));
    }
}
