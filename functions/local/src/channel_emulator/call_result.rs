//! The result of a connector call.

use serde_json::Value;

use super::transcript::Effect;

/// The effect and the response of an accepted call.
#[derive(Debug)]
pub(super) struct CallResult {
    pub(super) status: u16,
    /// The response body; null if there is none.
    pub(super) body: Value,
    pub(super) effect: Effect,
    pub(super) conversation: Option<String>,
    pub(super) activity: Option<String>,
}
