//! Injectable randomness for tokens and jitter, so that tests control both.
//! Does not generate key material.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A source of random numbers.
#[derive(Clone)]
pub struct Random(Arc<dyn Fn() -> u64 + Send + Sync>);

impl Random {
    /// Returns a source of cryptographically secure numbers.
    pub fn system() -> Self {
        Self(Arc::new(|| {
            let mut bytes = [0_u8; 8];
            // Two owners with the same token would both hold a lease, so it retries rather than return a constant.
            while aws_lc_rs::rand::fill(&mut bytes).is_err() {}
            u64::from_le_bytes(bytes)
        }))
    }

    /// Returns a deterministic source: one `seed` always yields one sequence (SplitMix64).
    pub fn seeded(seed: u64) -> Self {
        let state = AtomicU64::new(seed);
        Self(Arc::new(move || {
            let mut z = state.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^ (z >> 31)
        }))
    }

    /// Returns the next number, uniformly distributed.
    pub fn next_u64(&self) -> u64 {
        (self.0)()
    }

    /// Returns a number below `bound`, or 0 when `bound` is 0.
    pub fn below(&self, bound: u64) -> u64 {
        self.next_u64().checked_rem(bound).unwrap_or(0)
    }

    /// Returns a random identifier of 32 hexadecimal digits.
    pub fn random_id(&self) -> String {
        format!("{:016x}{:016x}", self.next_u64(), self.next_u64())
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}
