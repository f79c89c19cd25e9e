//! Random as a value: owner tokens and jitter come from a [`Random`], so that tests own them.
//! It does not make key material; the credentials' library does.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A source of random numbers.
#[derive(Clone)]
pub struct Random(Arc<dyn Fn() -> u64 + Send + Sync>);

impl Random {
    /// Numbers of the operating system's quality, from the crypto provider.
    pub fn system() -> Self {
        Self(Arc::new(|| {
            let mut bytes = [0_u8; 8];
            // Two owners with one token would both hold a claim: without chance nothing goes on.
            while aws_lc_rs::rand::fill(&mut bytes).is_err() {}
            u64::from_le_bytes(bytes)
        }))
    }

    /// The same numbers in every run with the same `seed` (SplitMix64).
    pub fn seeded(seed: u64) -> Self {
        let state = AtomicU64::new(seed);
        Self(Arc::new(move || {
            let mut z = state.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^ (z >> 31)
        }))
    }

    /// Any number.
    pub fn next_u64(&self) -> u64 {
        (self.0)()
    }

    /// A number below `bound`; 0 when `bound` is 0.
    pub fn below(&self, bound: u64) -> u64 {
        self.next_u64().checked_rem(bound).unwrap_or(0)
    }

    /// A token of 32 hexadecimal digits.
    pub fn random_id(&self) -> String {
        format!("{:016x}{:016x}", self.next_u64(), self.next_u64())
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}
