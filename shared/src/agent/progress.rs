//! Progress: what a running task shows the user before it is done.
//! It only holds the latest update; the stream decides when and how to show it (protocol §6).

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// Shows the user how far a task is.
///
/// Calls return at once and never fail: the runtime shows the latest update at the rate the channel allows, and nothing
/// before the answer where the channel has no streams.
///
/// ```
/// use herald::agent::Progress;
///
/// let progress = Progress::default();
/// progress.set_status("Asking the shop…");
/// progress.push_text("The shop has ");
/// progress.push_text("two laptops.");
/// assert_eq!(progress.latest().text, "The shop has two laptops.");
/// ```
#[derive(Debug, Clone, Default)]
pub struct Progress {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    latest: Mutex<Latest>,
    changed: Notify,
}

/// The latest update of a task.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Latest {
    /// What it is doing; shown until there is text.
    pub status: Option<String>,
    /// All of its answer so far.
    pub text: String,
}

impl Progress {
    /// Sets what the task is doing now, e.g. “Asking the shop…”; at most 1,000 characters of it are shown.
    pub fn set_status(&self, status: impl Into<String>) {
        self.change(|latest| latest.status = Some(status.into()));
    }

    /// Appends `more` to the answer, which only grows.
    pub fn push_text(&self, more: &str) {
        self.change(|latest| latest.text.push_str(more));
    }

    /// Returns the latest update.
    #[must_use]
    pub fn latest(&self) -> Latest {
        self.shared.latest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until there is an update since the last call.
    pub async fn changed(&self) {
        self.shared.changed.notified().await;
    }

    fn change(&self, change: impl FnOnce(&mut Latest)) {
        change(&mut self.shared.latest.lock().unwrap_or_else(PoisonError::into_inner));
        self.shared.changed.notify_one();
    }
}

// What is sent to a user is never logged.
impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shared(…)")
    }
}

impl std::fmt::Debug for Latest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Latest(…)")
    }
}
