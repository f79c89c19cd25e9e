//! The channel's part of the state directory: its port, people and conversations, so that ids and service URLs
//! that the bundle keeps stay valid. The table and the queues are kept by the stack.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use herald::error::BoxError;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::LocalError;
use crate::channel_emulator::Channel;

const FILE: &str = "channel.json";

/// The saved state of a channel.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ChannelState {
    /// The port of its connector, which service URLs name.
    pub(crate) port: u16,
    /// The rest.
    pub(crate) channel: Value,
}

/// Reads the state saved in `directory`, if there is any.
pub(crate) fn read(directory: &Path) -> Result<Option<ChannelState>, LocalError> {
    let path = directory.join(FILE);
    let unusable = |cause: BoxError| LocalError::State { path: path.clone(), cause };
    match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| unusable(error.into())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unusable(error.into())),
    }
}

/// Written beside and moved into place, so that a crash leaves the old file or the new one.
pub(crate) fn save(channel: &Channel, directory: &Path) -> Result<(), LocalError> {
    let path = directory.join(FILE);
    let unusable = |cause: BoxError| LocalError::State { path: path.clone(), cause };
    let state = ChannelState { port: channel.port(), channel: channel.snapshot() };
    let json = serde_json::to_vec(&state).map_err(|error| unusable(error.into()))?;
    let beside = directory.join(format!("{FILE}.new"));
    let written = fs::write(&beside, json).and_then(|()| fs::rename(&beside, &path));
    written.map_err(|error| unusable(error.into()))
}
