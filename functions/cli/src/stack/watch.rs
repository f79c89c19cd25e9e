//! A look at every request to the services as it comes: for tests that count what a turn costs.
//! It changes nothing; what becomes of a request is [`crate::wire`]'s.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Sees an operation, e.g. `DynamoDB_20120810.PutItem`, and the body of its request.
pub type Watcher = Arc<dyn Fn(&str, &[u8]) + Send + Sync>;

/// Who looks.
#[derive(Default)]
pub(super) struct Watch(Mutex<Option<Watcher>>);

impl Watch {
    /// Shows `watcher` every request from now on.
    pub(super) fn set(&self, watcher: Watcher) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(watcher);
    }

    /// Shows one.
    pub(super) fn show(&self, operation: &str, body: &[u8]) {
        let watcher = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(watcher) = watcher {
            watcher(operation, body);
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}
