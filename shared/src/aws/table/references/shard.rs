//! Shards: the parts that an audience is listed in, by the first two digits of a reference's key.
//! What is listed in them is said by the store.

use crate::protocol::conversation::ReferenceKey;

/// One of the 256 parts an audience is listed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard(pub u8);

impl Shard {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..=u8::MAX).map(Self)
    }
}

pub(in crate::aws::table) fn shard_of(key: &ReferenceKey) -> Shard {
    Shard(key.as_str().get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()).unwrap_or(0))
}
