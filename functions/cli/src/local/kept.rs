//! The channel's part of the state directory: people and conversations, so that ids stay valid.
//! The table and the queues are kept by the stack.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use herald::BoxError;

use super::LocalError;
use crate::channel::Channel;

const FILE: &str = "channel.json";

pub(super) fn restore(channel: &Channel, directory: &Path) -> Result<(), LocalError> {
    let path = directory.join(FILE);
    let unusable = |cause: BoxError| LocalError::State { path: path.clone(), cause };
    match fs::read(&path) {
        Ok(bytes) => {
            let kept = serde_json::from_slice(&bytes).map_err(|error| unusable(error.into()))?;
            channel.restore(&kept).map_err(|error| unusable(error.into()))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(unusable(error.into())),
    }
}

/// Written beside and moved into place, so that a crash leaves the old file or the new one.
pub(super) fn save(channel: &Channel, directory: &Path) -> Result<(), LocalError> {
    let path = directory.join(FILE);
    let beside = directory.join(format!("{FILE}.new"));
    let written =
        fs::write(&beside, channel.snapshot().to_string()).and_then(|()| fs::rename(&beside, &path));
    written.map_err(|error| LocalError::State { path, cause: error.into() })
}
