//! What the chat page does to the running bundle: kills the worker, moves the clock.

use std::sync::{Arc, OnceLock};

use tokio::sync::Mutex;

use crate::adjustable_clock::AdjustableClock;
use crate::workers::WorkerSwitch;

/// The controls of one bundle.
#[derive(Debug, Default)]
pub(crate) struct Controls {
    /// Kills the worker.
    pub(crate) workers: WorkerSwitch,
    /// Held while the clock is moved.
    pub(crate) moving: Mutex<()>,
    /// The clock, if it can be moved.
    pub(crate) clock: OnceLock<Arc<AdjustableClock>>,
}
