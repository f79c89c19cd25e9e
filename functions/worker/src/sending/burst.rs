//! Bursts: turns of a conversation that wait for each other, whose answers together could exceed its rate limits.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use herald::protocol::conversation::ReferenceKey;
use jiff::{SignedDuration, Timestamp};

/// Age from which a turn waited for another one, and not for a worker.
const MIN_WAIT: SignedDuration = SignedDuration::from_millis(500);

/// Most conversations that are remembered, so that a long-lived process does not grow.
const MAX_CONVERSATIONS: usize = 1024;

/// When this process last answered a turn of each conversation.
#[derive(Debug, Clone, Default)]
pub(crate) struct RecentTurns(Arc<Mutex<HashMap<ReferenceKey, Timestamp>>>);

impl RecentTurns {
    /// Whether a turn that arrived at `arrived_at` waited for another one of its conversation. A short wait for a turn that
    /// another process answered is not noticed.
    pub(crate) fn is_burst(
        &self,
        conversation: &ReferenceKey,
        arrived_at: Timestamp,
        now: Timestamp,
    ) -> bool {
        let answered = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(conversation).copied();
        now.duration_since(arrived_at) >= MIN_WAIT || answered.is_some_and(|answered| arrived_at < answered)
    }

    /// Records that a turn of the conversation was answered at `now`.
    pub(crate) fn record(&self, conversation: ReferenceKey, now: Timestamp) {
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.len() >= MAX_CONVERSATIONS {
            recent.clear();
        }
        recent.insert(conversation, now);
    }
}
