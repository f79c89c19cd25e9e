//! Amendments of a broadcast, and its report with the outcomes of their deliveries.
//!
//! An amendment reports under its own id; its deliveries have the jobs, and so the slices and sort keys, of those that they
//! amend. A page of the report reads the same range of keys from each amendment.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::task::JoinSet;

use super::{BroadcastStore, Entries, SLICES, expires_at, pk};
use crate::aws::table::StoreError;
use crate::aws::table::item::{Item, number, parsed, string, text};
use crate::aws::table::schema::{AMENDMENT, SK, TTL};
use crate::broadcast::{Amendment, BroadcastId, Kind, OutcomeCounts, PAGE_SIZE, ReportEntry, Spec};
use crate::jobs::JobId;

impl BroadcastStore {
    /// Adds the broadcast `id` to the amendments of the broadcast that `spec` corrects or recalls; before it is opened, so
    /// that no message is amended unseen.
    pub(super) async fn mark_amendment(
        &self,
        id: &BroadcastId,
        spec: &Spec,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (Kind::Recall { of } | Kind::Correct { of }) = &spec.kind else { return Ok(()) };
        let request = self
            .table
            .put(pk(of), &format!("{AMENDMENT}{}", id.as_str()))
            .item("opened", number(now.as_millisecond()))
            .item(TTL, number(expires_at(now)));
        request.send().await.map(drop).map_err(|error| StoreError::unavailable("mark amendment", error))
    }

    /// Returns the corrections and recalls of the broadcast `id`, and those of its corrections, oldest first.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn amendments(&self, id: &BroadcastId) -> Result<Vec<Amendment>, StoreError> {
        let mut amendments: Vec<Amendment> = Vec::new();
        let mut next = 0;
        for (id, opened) in self.amendments_of(id).await? {
            amendments.extend(self.amendment(id, opened).await?);
        }
        while let Some(amended) = amendments.get(next).cloned() {
            for (id, opened) in self.amendments_of(&amended.id).await? {
                if amendments.iter().all(|known| known.id != id) {
                    amendments.extend(self.amendment(id, opened).await?);
                }
            }
            next += 1;
        }
        amendments.sort_by(|a, b| (a.opened, &a.id).cmp(&(b.opened, &b.id)));
        Ok(amendments)
    }

    /// Returns the amendment `id`; `None` where it was marked and not opened.
    async fn amendment(&self, id: BroadcastId, opened: Timestamp) -> Result<Option<Amendment>, StoreError> {
        Ok(self.spec(&id).await?.and_then(|spec| Amendment::new(id, &spec, opened)))
    }

    async fn amendments_of(&self, id: &BroadcastId) -> Result<Vec<(BroadcastId, Timestamp)>, StoreError> {
        let mut ids = Vec::new();
        let mut next = None;
        loop {
            let request = self
                .table
                .query(pk(id))
                .consistent_read(true)
                .key_condition_expression("pk = :pk AND begins_with(sk, :amendment)")
                .expression_attribute_values(":amendment", text(AMENDMENT))
                .set_exclusive_start_key(next);
            let page =
                request.send().await.map_err(|error| StoreError::unavailable("list amendments", error))?;
            ids.extend(page.items().iter().filter_map(read));
            next = page.last_evaluated_key;
            if next.is_none() {
                return Ok(ids);
            }
        }
    }

    /// Returns a page of the report in `slice`: the entries, changed by those `amendments` that were delivered.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn report(
        &self,
        id: &BroadcastId,
        amendments: &[Amendment],
        slice: u16,
        after: Option<String>,
    ) -> Result<Entries, StoreError> {
        let limit = i32::try_from(PAGE_SIZE).ok().filter(|_| !amendments.is_empty());
        let mut page = self.entries(id, slice, after, limit).await?;
        let keys = page.entries.first().zip(page.entries.last());
        let Some((first, last)) = keys.map(|(first, last)| (first.job.clone(), last.job.clone())) else {
            return Ok(page);
        };
        let mut amended: HashMap<JobId, Vec<(&Amendment, ReportEntry)>> = HashMap::new();
        for amendment in amendments {
            for entry in self.entries_between(&amendment.id, slice, &first, &last).await? {
                amended.entry(entry.job.clone()).or_default().push((amendment, entry));
            }
        }
        let entries = page.entries.into_iter().map(|entry| {
            let found = amended.remove(&entry.job).unwrap_or_default();
            entry.amended(found.iter().map(|(amendment, entry)| (*amendment, entry)))
        });
        page.entries = entries.collect();
        Ok(page)
    }

    /// Counts the recipients per outcome of the report with `amendments`, all slices side by side.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn count_report(
        &self,
        id: &BroadcastId,
        amendments: &[Amendment],
    ) -> Result<OutcomeCounts, StoreError> {
        let amendments: Arc<[Amendment]> = amendments.into();
        let mut slices = JoinSet::new();
        for slice in 0..SLICES {
            let (store, id, amendments) = (self.clone(), id.clone(), amendments.clone());
            slices.spawn(async move { store.count_slice(&id, &amendments, slice).await });
        }
        let mut counts = OutcomeCounts::default();
        while let Some(counted) = slices.join_next().await {
            let counted = counted.map_err(|error| StoreError::unavailable("count report", error))?;
            counts.add(&counted?);
        }
        Ok(counts)
    }

    /// Counts the recipients per outcome of one slice of the report.
    pub(super) async fn count_slice(
        &self,
        id: &BroadcastId,
        amendments: &[Amendment],
        slice: u16,
    ) -> Result<OutcomeCounts, StoreError> {
        let mut counts = OutcomeCounts::default();
        let mut after = None;
        loop {
            let page = self.report(id, amendments, slice, after).await?;
            page.entries.iter().for_each(|entry| counts.count(None, entry.outcome));
            after = page.last;
            if after.is_none() {
                return Ok(counts);
            }
        }
    }
}

fn read(item: &Item) -> Option<(BroadcastId, Timestamp)> {
    let opened = Timestamp::from_millisecond(parsed(item, "opened")?).ok()?;
    let key = string(item, SK)?;
    Some((BroadcastId::named(key.strip_prefix(AMENDMENT)?), opened))
}
