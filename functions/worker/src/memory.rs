//! Recalling: the conversation's memory, for an engine that asks for it.
//! It changes nothing; that is `effects`'.

use std::time::Duration;

use herald::agent::memory::Memory;
use herald::clock::timeout;
use herald::error::error_chain;
use herald::protocol::conversation::ConversationReference;
use tracing::warn;

use crate::Worker;

/// How long a slow table may hold up an answer.
const LIMIT: Duration = Duration::from_secs(2);

impl Worker {
    /// What is kept of the conversation. An answer without it beats none: where it cannot be read, it is empty.
    pub(crate) async fn recall(&self, reference: &ConversationReference) -> Memory {
        let key = self.references.key(reference);
        let read = self.memories.get(&key, self.clock.now());
        let problem = match timeout(self.clock.as_ref(), LIMIT, read).await {
            Some(Ok(memory)) => return memory,
            Some(Err(error)) => error_chain(&error).to_string(),
            None => "the table took longer than 2 s".to_owned(),
        };
        warn!(error = problem, reference.key = key.as_str(), "the engine is asked without its memory");
        Memory::default()
    }
}
