//! Jobs: the lease on one, its plan, and its continuation.

pub(crate) mod continuation;
pub(crate) mod lease;
pub(crate) mod plan;
