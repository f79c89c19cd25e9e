//! A look at every request to the services as it comes, for tests that count what a turn costs; or another request in
//! its place, for tests of broken adapters. What becomes of a request is [`crate::fault_injection`]'s.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// Sees an operation, e.g. `DynamoDB_20120810.PutItem`, and the body of its request.
pub type Watcher = Arc<dyn Fn(&str, &[u8]) + Send + Sync>;

/// Makes of an operation and the body of its request the body that is carried out.
pub type Rewriter = Arc<dyn Fn(&str, Bytes) -> Bytes + Send + Sync>;

/// Who looks, and who meddles.
#[derive(Default)]
pub(super) struct Watch {
    watcher: Mutex<Option<Watcher>>,
    rewriter: Mutex<Option<Rewriter>>,
}

impl Watch {
    /// Shows `watcher` every request from now on.
    pub(super) fn set(&self, watcher: Watcher) {
        *self.watcher.lock().unwrap_or_else(PoisonError::into_inner) = Some(watcher);
    }

    /// Has `rewriter` at every request from now on.
    pub(super) fn rewrite(&self, rewriter: Rewriter) {
        *self.rewriter.lock().unwrap_or_else(PoisonError::into_inner) = Some(rewriter);
    }

    /// Shows one as it came, and returns it as it is to be carried out.
    pub(super) fn show(&self, operation: &str, body: Bytes) -> Bytes {
        let watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(watcher) = watcher {
            watcher(operation, &body);
        }
        let rewriter = self.rewriter.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match rewriter {
            Some(rewriter) => rewriter(operation, body),
            None => body,
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}
