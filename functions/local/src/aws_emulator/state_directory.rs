//! The state directory, locked by one process at a time.
//! It locates the files and does not read them.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::error::StackError;

/// File with the address of the stack that uses the directory.
const ENDPOINT: &str = "endpoint";

/// Whether `directory` contains the state of a stack.
pub(super) fn is_used(directory: &Path) -> bool {
    directory.join("table.sqlite").is_file()
}

/// Returns the published address of the stack that uses `directory`.
pub(super) fn endpoint(directory: &Path) -> Option<String> {
    fs::read_to_string(directory.join(ENDPOINT)).ok().filter(|endpoint| !endpoint.is_empty())
}

/// The directory, locked until this value is dropped or the process ends.
#[derive(Debug)]
pub(super) struct StateDir {
    path: PathBuf,
    _lock: File,
}

impl StateDir {
    /// Creates the directory if needed, and locks it.
    pub(super) fn open(path: PathBuf) -> Result<Self, StackError> {
        let unusable = |source| StackError::State { path: path.clone(), source };
        // It contains the text of messages: no other user of this machine may read it.
        DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(unusable)?;
        let lock = File::create(path.join("lock")).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {
                // The address of an earlier process.
                match fs::remove_file(path.join(ENDPOINT)) {
                    Err(source) if source.kind() != ErrorKind::NotFound => Err(unusable(source)),
                    _ => Ok(Self { path, _lock: lock }),
                }
            }
            Err(TryLockError::WouldBlock) => Err(StackError::InUse(path)),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }

    /// Publishes the address of the stack to other processes of this machine. The file is replaced atomically, so that
    /// no reader sees a part of it.
    pub(super) fn announce(&self, endpoint: &str) -> Result<(), StackError> {
        let beside = self.path.join("endpoint.new");
        let path = self.path.join(ENDPOINT);
        let written = fs::write(&beside, endpoint).and_then(|()| fs::rename(&beside, &path));
        written.map_err(|source| StackError::State { path, source })
    }

    /// Returns the path of the table file.
    pub(super) fn table(&self) -> PathBuf {
        self.path.join("table.sqlite")
    }

    /// Returns the path of the file of created schedules.
    pub(super) fn schedules(&self) -> PathBuf {
        self.path.join("schedules.json")
    }

    /// Returns the path of the journal of the queues.
    pub(super) fn queues(&self) -> PathBuf {
        self.path.join("queues.jsonl")
    }
}
