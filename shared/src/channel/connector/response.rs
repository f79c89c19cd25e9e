//! Decodes responses of the connector and classifies its errors (docs/protocol.md §1.7, §1.8).
//!
//! Bodies are decoded for codes and ids and never logged.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::StatusCode;
use serde::de::DeserializeOwned;

use crate::channel::http;
use crate::channel::retry_after::retry_after;
use crate::protocol::channel_error::{Ambiguity, ConnectorError, ErrorBody, RejectionReason};

/// Code of a 401 that no new token resolves: the agent is not registered with the channel.
pub(super) const NOT_REGISTERED: &str = "BotNotRegistered";

/// Decodes a response that arrives `now`; `None` when the request was accepted and the body is not a `T`.
pub(super) async fn read<T: DeserializeOwned>(
    answer: reqwest::Response,
    now: Timestamp,
) -> Result<Option<T>, ConnectorError> {
    let status = answer.status();
    let wait = retry_after(answer.headers(), now);
    // The status is the result, even if the body is lost.
    let body = http::read_body(answer).await.unwrap_or_default();
    if status.is_success() {
        // The request was accepted, whatever the body contains (fault model W16).
        return Ok(serde_json::from_slice(&body).ok());
    }
    Err(error(status, wait, &body))
}

fn error(status: StatusCode, retry_after: Option<Duration>, body: &[u8]) -> ConnectorError {
    match status.as_u16() {
        429 => ConnectorError::Throttled { retry_after },
        412 => ConnectorError::Busy,
        401 => ConnectorError::Unauthorized { code: unauthorized_code(&ErrorBody::read(body)) },
        502..=504 => ConnectorError::Ambiguous { loss: Ambiguity::GatewayError, cause: status_error(status) },
        // No other protocol was requested, so the result of the request is unknown.
        100..=199 | 408 | 500..=599 => {
            ConnectorError::Ambiguous { loss: Ambiguity::LostReply, cause: status_error(status) }
        }
        status => {
            let (rejection, code) = RejectionReason::of(status, &ErrorBody::read(body));
            ConnectorError::Rejected { status, code, rejection }
        }
    }
}

/// Returns the code of a 401; [`NOT_REGISTERED`] wherever it is named.
fn unauthorized_code(body: &ErrorBody) -> Option<String> {
    let code = if body.names(NOT_REGISTERED) { Some(NOT_REGISTERED) } else { body.code() };
    code.map(str::to_owned)
}

fn status_error(status: StatusCode) -> crate::error::BoxError {
    format!("channel answered {}", status.as_u16()).into()
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

#[cfg(test)]
mod tests {
    use super::*;

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
