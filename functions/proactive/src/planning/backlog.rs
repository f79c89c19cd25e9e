//! The backlog of a broadcast: recipients that are planned and have no outcome yet, per tenant.

use std::collections::BTreeMap;

use herald::aws::table::Counts;
use herald::broadcast::PlannedPages;

/// Number of recipients of a tenant after which its count is stored while planning goes on. A planner that crashes leaves
/// fewer of each tenant uncounted, and so many more than the backlog allows may be queued.
const STORE_AT: u64 = 100;

/// Counts of recipients by the hash of their tenant, as one planner knows them.
pub(crate) struct TenantCounts {
    counts: Counts,
    /// Recipients that are planned and not counted in the table yet.
    unstored: BTreeMap<String, u64>,
}

impl TenantCounts {
    /// Returns the counts of a planner that starts with those of the table.
    pub(crate) fn new(counts: Counts) -> Self {
        Self { counts, unstored: BTreeMap::new() }
    }

    /// Adds pages whose checkpoint is stored: never before, so that no count is too high for good.
    pub(crate) fn add(&mut self, pages: &PlannedPages) {
        for (tenant, count) in &pages.planned {
            *self.counts.planned.entry(tenant.clone()).or_default() += count;
            *self.unstored.entry(tenant.clone()).or_default() += count;
        }
    }

    /// Takes the counts of planned recipients to store while planning goes on.
    pub(crate) fn take_large(&mut self) -> BTreeMap<String, u64> {
        self.take(STORE_AT)
    }

    /// Takes all counts of planned recipients to store.
    pub(crate) fn take_all(&mut self) -> BTreeMap<String, u64> {
        self.take(1)
    }

    fn take(&mut self, least: u64) -> BTreeMap<String, u64> {
        let taken: Vec<_> = self.unstored.extract_if(.., |_, count| *count >= least).collect();
        let planned = |(tenant, _): (String, u64)| {
            let count = self.counts.planned.get(&tenant).copied().unwrap_or_default();
            (tenant, count)
        };
        taken.into_iter().map(planned).collect()
    }

    /// Returns the backlog when `step` is planned too.
    pub(crate) fn backlog<'a>(&'a self, step: &'a PlannedPages) -> Backlog<'a> {
        Backlog { step, counts: &self.counts }
    }
}

/// Recipients that are planned and have no outcome yet, by the hash of their tenant.
pub(crate) struct Backlog<'a> {
    /// Recipients planned and stored no checkpoint of yet, per tenant.
    step: &'a PlannedPages,
    /// Recipients planned, and with an outcome, per tenant.
    counts: &'a Counts,
}

impl Backlog<'_> {
    /// Returns the number of recipients of `tenant`.
    pub(crate) fn of(&self, tenant: &str) -> u64 {
        let count = |planned: &BTreeMap<String, u64>| planned.get(tenant).copied().unwrap_or(0);
        let planned = count(&self.counts.planned) + count(&self.step.planned);
        planned.saturating_sub(self.counts.done_or_deferred(tenant))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(planned: &[(&str, u64)]) -> PlannedPages {
        let planned = planned.iter().map(|(tenant, count)| ((*tenant).to_owned(), *count)).collect();
        PlannedPages { planned, ..PlannedPages::default() }
    }

    #[test]
    fn counts_are_stored_as_totals_and_those_of_small_tenants_at_the_end() {
        let stored = Counts { planned: [("a".to_owned(), 1_000)].into(), ..Counts::default() };
        let mut counts = TenantCounts::new(stored);

        counts.add(&pages(&[("a", 100), ("b", 60)]));
        let first = counts.take_large();
        counts.add(&pages(&[("b", 60), ("c", 1)]));
        let second = counts.take_large();

        assert_eq!(first, [("a".to_owned(), 1_100)].into());
        assert_eq!(second, [("b".to_owned(), 120)].into());
        assert_eq!(counts.take_all(), [("c".to_owned(), 1)].into());
        assert!(counts.take_all().is_empty());
    }

    #[test]
    fn backlog_counts_what_is_planned_but_has_no_outcome() {
        let mut counts = TenantCounts::new(Counts::default());
        counts.add(&pages(&[("a", 7)]));

        assert_eq!(counts.backlog(&pages(&[("a", 2)])).of("a"), 9);
        assert_eq!(counts.backlog(&pages(&[])).of("b"), 0);
    }
}
