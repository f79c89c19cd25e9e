//! The targets of an amendment: recipients of an earlier broadcast, read from its report.
//! A recall, a correction or a resend goes to them.

use herald::agent::Recipient;
use herald::aws::queue::Delivery;
use herald::aws::table::{BroadcastStore, ReferenceStore, StoreError};
use herald::broadcast::{Cursor, Outcome, PAGE_SIZE, ReportEntry, Spec};
use herald::protocol::conversation::User;
use herald::protocol::team::TeamChannel;

use crate::planning::error::PlanError;
use crate::planning::page::Page;

/// Reads the targets of an amendment.
pub(crate) struct AmendTargets {
    pub(crate) broadcasts: BroadcastStore,
    pub(crate) references: ReferenceStore,
}

impl AmendTargets {
    /// Returns the page at `cursor` of the report of the broadcast that `spec` amends.
    pub(crate) async fn page(&self, spec: &Spec, cursor: &Cursor) -> Result<Page, PlanError> {
        let Some((of, wanted)) = spec.kind.source() else { return Ok(Page::default()) };
        let limit = i32::try_from(PAGE_SIZE).ok();
        let entries = self.broadcasts.entries(of, cursor.shard, cursor.after.clone(), limit).await?;
        let mut page = Page { last: entries.last, ..Page::default() };
        for entry in entries.entries.into_iter().filter(|entry| entry.outcome == wanted) {
            // An amendment needs the activity's id, which the channel does not always return.
            if wanted == Outcome::Delivered && entry.activity.is_none() {
                continue;
            }
            match self.resolve_previous(&entry).await {
                Ok(Some(recipient)) => {
                    // The same job, so that a report finds the amendment under the same key.
                    let activity = entry.activity;
                    let delivery = Delivery { activity, ..Delivery::new(entry.job, recipient) };
                    page.deliveries.push(delivery);
                }
                Ok(None) => {}
                Err(StoreError::Unreadable { .. }) => page.unreadable.push(entry.job.as_str().to_owned()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(page)
    }

    /// Returns the recipient of a report's entry; `None` where the entry names none.
    async fn resolve_previous(&self, entry: &ReportEntry) -> Result<Option<Recipient>, StoreError> {
        if let Some(key) = &entry.recipient.reference
            && let Some(reference) = self.references.get_including_inactive(key).await?
        {
            return Ok(Some(Recipient::Conversation { reference }));
        }
        let who = &entry.recipient;
        Ok(match (&who.tenant, &who.user, &who.channel) {
            (Some(tenant), _, Some(id)) => {
                Some(Recipient::Channel(TeamChannel { tenant: tenant.clone(), id: id.clone() }))
            }
            (Some(tenant), Some(id), None) => {
                Some(Recipient::User(User::of_teams(tenant.clone(), id.clone())))
            }
            (None, _, _) | (Some(_), None, None) => None,
        })
    }
}
