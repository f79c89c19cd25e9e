//! The backlog of a broadcast: recipients that are planned and have no outcome yet, per tenant.

use std::collections::BTreeMap;

use herald::aws::table::Counts;
use herald::broadcast::{Broadcast, PlannedPages};

/// Recipients that are planned and have no outcome yet, by the hash of their tenant.
pub(crate) struct Backlog<'a> {
    /// Recipients planned and stored, per tenant.
    pub(crate) broadcast: &'a Broadcast,
    /// Recipients planned and not stored yet, per tenant.
    pub(crate) step: &'a PlannedPages,
    /// Recipients with an outcome, per tenant.
    pub(crate) counts: &'a Counts,
}

impl Backlog<'_> {
    /// Returns the number of recipients of `tenant`.
    pub(crate) fn of(&self, tenant: &str) -> u64 {
        let count = |planned: &BTreeMap<String, u64>| planned.get(tenant).copied().unwrap_or(0);
        let planned = count(&self.broadcast.planned) + count(&self.step.planned);
        planned.saturating_sub(self.counts.done_or_deferred(tenant))
    }
}
