//! Progress updates of a running task.
//! Holds only the latest update; the stream decides when and how to show it (docs/protocol.md §6).

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// Reports the progress of a task to the user.
///
/// Calls return at once and never fail. The worker shows the latest update at the rate that the channel allows; where
/// the channel has no streams, it shows only the response.
///
/// # Examples
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
    latest: Mutex<Snapshot>,
    changed: Notify,
}

/// A snapshot of the progress of a task.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The status; shown until there is text.
    pub status: Option<String>,
    /// All text of the response so far.
    pub text: String,
}

impl Progress {
    /// Sets the status, e.g. “Asking the shop…”; at most 1,000 characters are shown.
    pub fn set_status(&self, status: impl Into<String>) {
        self.update(|latest| latest.status = Some(status.into()));
    }

    /// Appends `more` to the text of the response.
    pub fn push_text(&self, more: &str) {
        self.update(|latest| latest.text.push_str(more));
    }

    /// Returns the current status and text.
    #[must_use]
    pub fn latest(&self) -> Snapshot {
        self.shared.latest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for an update since the last call.
    pub async fn changed(&self) {
        self.shared.changed.notified().await;
    }

    fn update(&self, change: impl FnOnce(&mut Snapshot)) {
        change(&mut self.shared.latest.lock().unwrap_or_else(PoisonError::into_inner));
        self.shared.changed.notify_one();
    }
}

// Text shown to a user must not be logged.
impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shared(…)")
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Snapshot(…)")
    }
}
