//! Saves the emulated channel in the state directory: its port, people and conversations, so that stored ids and
//! service URLs stay valid. The table and the queues are saved by the stack.

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
    /// The port of the connector, which service URLs contain.
    pub(crate) port: u16,
    /// The people, conversations and ids.
    pub(crate) channel: Value,
}

/// Keeps the exchanges of the channel from now on, in `directory` if one is given.
pub(crate) fn keep_exchanges(channel: &Channel, directory: Option<&Path>) -> Result<(), LocalError> {
    let path = directory.map(|directory| directory.join("exchanges.jsonl"));
    channel
        .keep_exchanges(path.clone())
        .map_err(|error| LocalError::State { path: path.unwrap_or_default(), cause: error.into() })
}

/// Returns the state saved in `directory`; `None` if there is none.
pub(crate) fn read(directory: &Path) -> Result<Option<ChannelState>, LocalError> {
    let path = directory.join(FILE);
    let unusable = |cause: BoxError| LocalError::State { path: path.clone(), cause };
    match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| unusable(error.into())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unusable(error.into())),
    }
}

/// Saves the channel in `directory`; the file is replaced atomically, so that a crash leaves the old or the new one.
pub(crate) fn save(channel: &Channel, directory: &Path) -> Result<(), LocalError> {
    let path = directory.join(FILE);
    let unusable = |cause: BoxError| LocalError::State { path: path.clone(), cause };
    let state = ChannelState { port: channel.port(), channel: channel.snapshot() };
    let json = serde_json::to_vec(&state).map_err(|error| unusable(error.into()))?;
    let beside = directory.join(format!("{FILE}.new"));
    let written = fs::write(&beside, json).and_then(|()| fs::rename(&beside, &path));
    written.map_err(|error| unusable(error.into()))
}
