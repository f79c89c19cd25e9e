//! Memory of a conversation: exchanges of the engine, waiting tasks and reminders.

use std::sync::Arc;
use std::time::Duration;

use herald::agent::Memory;
use herald::aws::table::{MemoryStore, ReferenceStore};
use herald::clock::{Clock, timeout};
use herald::error::error_chain;
use herald::jobs::JobId;
use herald::protocol::conversation::ConversationReference;
use herald::random::Random;
use tracing::warn;

use crate::retry::RetryIn;

/// How long a slow table may delay an answer.
const READ_TIMEOUT: Duration = Duration::from_secs(2);

/// Reads and changes memories.
#[derive(Clone)]
pub(crate) struct Memories {
    pub(crate) store: MemoryStore,
    pub(crate) references: ReferenceStore,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Random,
}

impl Memories {
    /// Returns the memory of a conversation for the engine; empty where the table fails or is slow, because an
    /// answer without memory is better than none.
    pub(crate) async fn load_memory(&self, reference: &ConversationReference) -> Memory {
        let key = self.references.key(reference);
        let read = self.store.get(&key, self.clock.now());
        let problem = match timeout(self.clock.as_ref(), READ_TIMEOUT, read).await {
            Some(Ok(memory)) => return memory,
            Some(Err(error)) => error_chain(&error).to_string(),
            None => "the table took longer than 2 s".to_owned(),
        };
        warn!(error = problem, reference.key = key.as_str(), "calling the engine without its memory");
        Memory::default()
    }

    /// Returns the memory of a conversation, which `job` cannot do without.
    pub(crate) async fn get(
        &self,
        job: &JobId,
        reference: &ConversationReference,
    ) -> Result<Memory, RetryIn> {
        let memory = self.store.get(&self.references.key(reference), self.clock.now()).await;
        memory.map_err(|error| RetryIn::after_store_error(&error, job, &self.random))
    }

    /// Applies `change` to the memory of a conversation.
    pub(crate) async fn update_memory(
        &self,
        job: &JobId,
        reference: &ConversationReference,
        change: impl Fn(Memory) -> Memory,
    ) -> Result<(), RetryIn> {
        let key = self.references.key(reference);
        let changed = self.store.change(&key, self.clock.now(), change).await;
        changed.map_err(|error| RetryIn::after_store_error(&error, job, &self.random))
    }
}
