//! Error responses of the token endpoint: OAuth error, Entra code and description (docs/protocol.md §3.4).

use jiff::Timestamp;
use serde_json::{Value, json};

/// Why a token request is rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::channel_emulator) struct TokenError {
    status: u16,
    error: &'static str,
    code: u32,
    description: String,
}

impl TokenError {
    pub(in crate::channel_emulator) fn new(
        status: u16,
        error: &'static str,
        code: u32,
        description: impl Into<String>,
    ) -> Self {
        Self { status, error, code, description: description.into() }
    }

    /// The credential of the client is invalid.
    pub(in crate::channel_emulator) fn client(code: u32, description: impl Into<String>) -> Self {
        Self::new(401, "invalid_client", code, description)
    }

    /// Returns the HTTP status of the response.
    pub(in crate::channel_emulator) fn status(&self) -> u16 {
        self.status
    }

    /// Returns the body of the response; `ids` are a trace id and a correlation id.
    pub(in crate::channel_emulator) fn body(&self, now: Timestamp, ids: [String; 2], origin: &str) -> Value {
        let Self { error, code, description, .. } = self;
        let [trace, correlation] = ids;
        json!({
            "error": error,
            "error_description": format!("AADSTS{code}: {description} Trace ID: {trace}"),
            "error_codes": [code],
            "timestamp": now.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": format!("{origin}/error?code={code}"),
        })
    }
}
