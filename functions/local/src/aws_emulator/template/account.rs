//! The account and the region of the emulated services.

/// The account that stands for the real one wherever a name needs one.
pub(crate) const ACCOUNT: &str = "000000000000";

/// The region that stands for the real one.
pub(crate) const REGION: &str = "us-east-1";
