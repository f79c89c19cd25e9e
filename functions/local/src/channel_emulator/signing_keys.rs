//! The signing keys of the channel.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::error::ChannelError;
use crate::signing_key::SigningKey;

/// The keys, oldest first; the newest one signs, all are published.
#[derive(Debug)]
pub(super) struct Keys {
    pub(super) pairs: Mutex<Vec<Arc<SigningKey>>>,
    pub(super) foreign: Mutex<Vec<Value>>,
    pub(super) fetches: AtomicU64,
}

impl Keys {
    pub(super) fn generate() -> Result<Self, ChannelError> {
        let first = SigningKey::of_process().map_err(|_| ChannelError::Key)?;
        let pairs = Mutex::new(vec![first]);
        Ok(Self { pairs, foreign: Mutex::default(), fetches: AtomicU64::new(0) })
    }
}
