//! Deliveries of a broadcast: partition of its recipients, content, and the entries of the report.

pub(crate) mod circuit_breaker;
pub(crate) mod classify;
pub(crate) mod defer;
pub(crate) mod deliver;
pub(crate) mod preplan;
pub(crate) mod report;
pub(crate) mod status;
