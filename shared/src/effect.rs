//! Effects: what the engine wants done besides what it says.
//! They are carried out by the worker, after they are stored with what was decided, and may be repeated freely.

use serde::{Deserialize, Serialize};

use crate::ledger::JobId;
use crate::memory::Exchange;

/// Something to be done besides what is said. Given with [`crate::engine::Outcome::and`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "kebab-case")]
pub enum Effect {
    /// Keep this in the conversation's memory.
    Remember(Exchange),
    /// Take everything that was said out of the conversation's memory.
    Forget,
    /// Have a waiting task not go on.
    CancelTask {
        /// The task, or the step of it that waits.
        job: JobId,
    },
}
