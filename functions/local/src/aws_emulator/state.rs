//! The directory that outlives the process, held by one process at a time.
//! It knows where the files are, not what is in them.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::error::StackError;

/// The file that names the address of the stack that has the directory.
const ENDPOINT: &str = "endpoint";

/// Whether a stack has been on `directory` before.
pub(super) fn is_used(directory: &Path) -> bool {
    directory.join("table.sqlite").is_file()
}

/// The address that the stack on `directory` has written down.
pub(super) fn endpoint(directory: &Path) -> Option<String> {
    fs::read_to_string(directory.join(ENDPOINT)).ok().filter(|endpoint| !endpoint.is_empty())
}

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
        // It holds the text of messages: no other user of this machine may read it.
        DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(unusable)?;
        let lock = File::create(path.join("lock")).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {
                // That of the process that had the directory before.
                match fs::remove_file(path.join(ENDPOINT)) {
                    Err(source) if source.kind() != ErrorKind::NotFound => Err(unusable(source)),
                    _ => Ok(Self { path, _lock: lock }),
                }
            }
            Err(TryLockError::WouldBlock) => Err(StackError::InUse(path)),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }

    /// Writes down where the stack on it listens, for other processes of this machine. Moved into place, so that
    /// no reader sees half of it.
    pub(super) fn announce(&self, endpoint: &str) -> Result<(), StackError> {
        let beside = self.path.join("endpoint.new");
        let path = self.path.join(ENDPOINT);
        let written = fs::write(&beside, endpoint).and_then(|()| fs::rename(&beside, &path));
        written.map_err(|source| StackError::State { path, source })
    }

    /// The file of the table.
    pub(super) fn table(&self) -> PathBuf {
        self.path.join("table.sqlite")
    }

    /// The file of the schedules that were made.
    pub(super) fn schedules(&self) -> PathBuf {
        self.path.join("schedules.json")
    }

    /// The file of the queued messages.
    pub(super) fn queues(&self) -> PathBuf {
        self.path.join("queues.jsonl")
    }
}
