//! The directory that outlives the process, held by one process at a time.
//! It knows where the files are, not what is in them.

use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use super::StackError;

/// The directory, locked until this is dropped or the process ends, however it ends.
#[derive(Debug)]
pub(super) struct StateDir {
    path: PathBuf,
    _lock: File,
}

impl StateDir {
    /// Makes the directory when it is absent, and locks it.
    pub(super) fn open(path: PathBuf) -> Result<Self, StackError> {
        let unusable = |source| StackError::State { path: path.clone(), source };
        // What people wrote is in it: nobody else on this machine reads it.
        DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(unusable)?;
        let lock = File::create(path.join("lock")).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(StackError::InUse(path)),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }

    /// The file of the table.
    pub(super) fn table(&self) -> PathBuf {
        self.path.join("table.sqlite")
    }

    /// The file of the queued messages.
    pub(super) fn queues(&self) -> PathBuf {
        self.path.join("queues.jsonl")
    }
}
