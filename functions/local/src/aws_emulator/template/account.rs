//! Account and region of the emulated services.

/// Account id in names and ARNs.
pub(crate) const ACCOUNT: &str = "000000000000";

/// Region in names and ARNs.
pub(crate) const REGION: &str = "us-east-1";
