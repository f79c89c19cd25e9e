//! Those whom another broadcast reached, or may have reached: they are told again, or what they were told is changed.
//! Who is told for the first time is said by `page`.

use herald::agent::notification::Recipient;
use herald::aws::queue::Delivery;
use herald::aws::table::StoreError;
use herald::broadcast::{Cursor, Entry, Outcome, PAGE, Spec};
use herald::protocol::conversation::User;

use crate::Proactive;
use crate::error::PlanError;
use crate::page::Page;

impl Proactive {
    /// A page of the report of the broadcast that `spec` is about.
    pub(crate) async fn page_of_report(&self, spec: &Spec, cursor: &Cursor) -> Result<Page, PlanError> {
        let Some((of, wanted)) = spec.kind.source() else { return Ok(Page::default()) };
        let limit = i32::try_from(PAGE).ok();
        let page = self.broadcasts.entries(of, cursor.shard, cursor.after.clone(), limit).await?;
        let mut again = Page { last: page.last, ..Page::default() };
        for entry in page.entries.into_iter().filter(|entry| entry.outcome == wanted) {
            // What is to be changed needs an id, and the channel does not always give one.
            if wanted == Outcome::Delivered && entry.activity.is_none() {
                continue;
            }
            match self.reach_again(&entry).await {
                Ok(Some(recipient)) => {
                    let job = spec.job(entry.job.as_str());
                    let delivery = Delivery { activity: entry.activity, ..Delivery::new(job, recipient) };
                    again.deliveries.push(delivery);
                }
                Ok(None) => {}
                Err(StoreError::Unreadable { .. }) => again.unreadable.push(entry.job.as_str().to_owned()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(again)
    }

    async fn reach_again(&self, entry: &Entry) -> Result<Option<Recipient>, StoreError> {
        if let Some(key) = &entry.who.reference
            && let Some(reference) = self.references.get_even_if_over(key).await?
        {
            return Ok(Some(Recipient::Conversation { reference }));
        }
        let who = &entry.who;
        Ok(match (&who.tenant, &who.user, &who.channel) {
            (Some(tenant), _, Some(id)) => {
                let channel = herald::protocol::team::TeamChannel { tenant: tenant.clone(), id: id.clone() };
                Some(Recipient::Channel(channel))
            }
            (Some(tenant), Some(id), None) => {
                Some(Recipient::User(User::of_teams(tenant.clone(), id.clone())))
            }
            _ => None,
        })
    }
}
