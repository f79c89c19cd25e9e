//! Shards: the parts that an audience is listed in, by the first two digits of the key of a person or of a reference.

/// One of the 256 parts that an audience is listed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard(pub u8);

impl Shard {
    /// Returns all shards.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..=u8::MAX).map(Self)
    }
}

/// Returns the shard of a record with this `key`, a hash in hexadecimal digits.
pub(in crate::aws::table) fn shard_of(key: &str) -> Shard {
    Shard(key.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()).unwrap_or(0))
}
