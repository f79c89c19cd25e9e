//! How the token endpoint says no: OAuth's word, and Entra's own code and sentence (protocol §3.4).
//! When it says no is decided where the request is checked.

use serde_json::json;

use super::super::State;
use super::super::refusal::Refusal;

/// Why a token request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    status: u16,
    error: &'static str,
    code: u32,
    description: String,
}

impl Refused {
    pub(super) fn new(status: u16, error: &'static str, code: u32, description: impl Into<String>) -> Self {
        Self { status, error, code, description: description.into() }
    }

    /// The client is not who it says.
    pub(super) fn client(code: u32, description: impl Into<String>) -> Self {
        Self::new(401, "invalid_client", code, description)
    }

    pub(super) fn refusal(&self, state: &State) -> Refusal {
        let Self { status, error, code, description } = self;
        let trace = state.options.chance.token();
        let body = json!({
            "error": error,
            "error_description": format!("AADSTS{code}: {description} Trace ID: {trace}"),
            "error_codes": [code],
            "timestamp": state.options.clock.now().strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
            "trace_id": trace,
            "correlation_id": state.options.chance.token(),
            "error_uri": format!("{}/error?code={code}", state.origin()),
        });
        Refusal::raw(*status, body.to_string())
    }
}
