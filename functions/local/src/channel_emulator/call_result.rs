//! What a call of the connector did.

use serde_json::Value;

use super::transcript::Effect;

/// What an accepted call did and how it is answered.
#[derive(Debug)]
pub(super) struct CallResult {
    pub(super) status: u16,
    /// Null for an answer without a body.
    pub(super) body: Value,
    pub(super) effect: Effect,
    pub(super) conversation: Option<String>,
    pub(super) activity: Option<String>,
}
