//! Pages: the deliveries that are planned together, grouped by tenant.

use std::collections::BTreeMap;

use herald::aws::queue::Delivery;
use herald::broadcast::{Cursor, Dispatch, PlannedPages, dispatch, tenant_key};

use crate::planning::backlog::Backlog;

/// Deliveries that are planned together.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) deliveries: Vec<Delivery>,
    /// Keys of records that could not be read.
    pub(crate) unreadable: Vec<String>,
    /// The key of the last one; `None` on the last page of a shard.
    pub(crate) last: Option<String>,
}

impl Page {
    /// Returns the deliveries by the hash of their tenant. A message has deliveries of one tenant, so that a throttled
    /// tenant does not delay the others.
    pub(crate) fn by_tenant(&self) -> BTreeMap<String, Vec<Delivery>> {
        let mut by_tenant: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for delivery in &self.deliveries {
            // Also the group of SQS fair queues, which keeps one tenant's backlog from delaying the others.
            let tenant = tenant_key(delivery.recipient.tenant());
            by_tenant.entry(tenant).or_default().push(delivery.clone());
        }
        by_tenant
    }

    /// Adds the deliveries of `other` whose jobs are not on this page.
    pub(crate) fn merge(&mut self, other: Self) {
        for delivery in other.deliveries {
            if self.deliveries.iter().all(|there| there.job != delivery.job) {
                self.deliveries.push(delivery);
            }
        }
        self.unreadable.extend(other.unreadable);
        self.last = other.last;
    }

    /// Whether the backlog of every tenant on it is too large to queue more at `per_second`.
    pub(crate) fn is_full(&self, backlog: &Backlog<'_>, per_second: u32) -> bool {
        let is_full =
            |tenant: &String| matches!(dispatch(backlog.of(tenant), per_second), Dispatch::Delay(_));
        !self.deliveries.is_empty() && self.by_tenant().keys().all(is_full)
    }

    /// Returns the planning step that this page makes; planning then continues at `cursor`.
    pub(crate) fn step(&self, cursor: Option<Cursor>) -> PlannedPages {
        let mut step =
            PlannedPages { cursor, unreadable: self.unreadable.len() as u64, ..PlannedPages::default() };
        for (tenant, deliveries) in self.by_tenant() {
            *step.planned.entry(tenant).or_default() += deliveries.len() as u64;
        }
        if step.unreadable > 0 {
            *step.planned.entry(tenant_key(None)).or_default() += step.unreadable;
        }
        step
    }
}
