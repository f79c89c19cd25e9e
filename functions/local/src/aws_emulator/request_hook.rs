//! Watches every request to the services, for tests that count requests; or rewrites it,
//! for tests of broken adapters. Faults are in [`crate::fault_injection`].

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// Receives an operation, e.g. `DynamoDB_20120810.PutItem`, and the body of its request.
pub type Watcher = Arc<dyn Fn(&str, &[u8]) + Send + Sync>;

/// Returns the body to execute for an operation and the body of its request.
pub type Rewriter = Arc<dyn Fn(&str, Bytes) -> Bytes + Send + Sync>;

/// The installed watcher and rewriter.
#[derive(Default)]
pub(super) struct Watch {
    watcher: Mutex<Option<Watcher>>,
    rewriter: Mutex<Option<Rewriter>>,
}

impl Watch {
    /// Installs `watcher`, which sees every later request.
    pub(super) fn set(&self, watcher: Watcher) {
        *self.watcher.lock().unwrap_or_else(PoisonError::into_inner) = Some(watcher);
    }

    /// Installs `rewriter`, which rewrites every later request.
    pub(super) fn rewrite(&self, rewriter: Rewriter) {
        *self.rewriter.lock().unwrap_or_else(PoisonError::into_inner) = Some(rewriter);
    }

    /// Calls the watcher with a request, and returns the request as rewritten.
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
