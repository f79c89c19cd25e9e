//! Progress: what a running task tells the user before it is done.
//! It only holds the latest word; when and how it is shown is the stream's decision (protocol §6).

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// Tells the user how far a task is. Calls return at once and never fail: the runtime shows the latest word at the
/// pace the channel takes, and where it has no streams nothing before the answer.
///
/// ```
/// use herald::agent::progress::Progress;
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

/// The latest word of a task.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Latest {
    /// What it is doing; shown until there is text.
    pub status: Option<String>,
    /// All of its answer so far.
    pub text: String,
}

impl Progress {
    /// What the task is doing now, e.g. “Asking the shop…”; at most 1,000 characters of it are shown.
    pub fn inform(&self, status: impl Into<String>) {
        self.change(|latest| latest.status = Some(status.into()));
    }

    /// The next piece of the answer. What was said before stays: an answer only grows.
    pub fn say(&self, more: &str) {
        self.change(|latest| latest.text.push_str(more));
    }

    /// The latest word.
    #[must_use]
    pub fn latest(&self) -> Latest {
        self.shared.latest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns once there was a word since the last call.
    pub async fn changed(&self) {
        self.shared.changed.notified().await;
    }

    fn change(&self, change: impl FnOnce(&mut Latest)) {
        change(&mut self.shared.latest.lock().unwrap_or_else(PoisonError::into_inner));
        self.shared.changed.notify_one();
    }
}

// What is said to a user is nobody else's.
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
