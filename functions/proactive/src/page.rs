//! Pages: the recipients of one part of an audience, a few hundred at a time, by index and by key alone.
//! What becomes of them is said by `plan`.

use std::collections::BTreeMap;

use herald::agent::notification::Recipient;
use herald::aws::queue::Delivery;
use herald::aws::table::{Counts, SLICES, SUBSCRIBER_SHARDS, StoreError};
use herald::broadcast::audience::{Audience, Candidate};
use herald::broadcast::{Broadcast, Cursor, Dispatch, Kind, ShardCounts, Spec, Step, dispatch, tenant_key};
use herald::protocol::conversation::ReferenceKey;
use jiff::Timestamp;

use crate::Proactive;
use crate::error::PlanError;
use crate::listed::Listed;
use crate::rosters::Rosters;

/// Recipients that are planned together.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) deliveries: Vec<Delivery>,
    /// Keys of records that could not be read.
    pub(crate) unreadable: Vec<String>,
    /// What the last one is found by; `None` on the last page of a shard.
    pub(crate) last: Option<String>,
}

/// What the pages of one broadcast are planned by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Basis<'a> {
    pub(crate) spec: &'a Spec,
    pub(crate) rosters: &'a Rosters,
    /// When it was begun.
    pub(crate) begun: Timestamp,
}

/// Shards of an audience that is listed.
const SHARDS: u16 = 256;

impl Page {
    /// The deliveries by the hash of their tenant. One message is for one tenant: a tenant that is throttled holds up no
    /// other.
    pub(crate) fn by_tenant(&self) -> BTreeMap<String, Vec<Delivery>> {
        let mut by_tenant: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for delivery in &self.deliveries {
            by_tenant.entry(tenant_of(delivery)).or_default().push(delivery.clone());
        }
        by_tenant
    }

    /// Adds the recipients of `other`, but nobody twice.
    pub(crate) fn merge(&mut self, other: Self) {
        for delivery in other.deliveries {
            if self.deliveries.iter().all(|there| there.job != delivery.job) {
                self.deliveries.push(delivery);
            }
        }
        self.unreadable.extend(other.unreadable);
        self.last = other.last;
    }

    /// Whether nobody on it may be queued yet.
    pub(crate) fn is_full(&self, waiting: &Waiting<'_>, per_second: u32) -> bool {
        let is_full = |tenant: &String| dispatch(waiting.of(tenant), per_second) != Dispatch::Queue;
        !self.deliveries.is_empty() && self.by_tenant().keys().all(is_full)
    }

    /// What planning it comes to, which then goes on at `cursor`.
    pub(crate) fn step(&self, cursor: Option<Cursor>) -> Step {
        let mut step = Step { cursor, unreadable: self.unreadable.len() as u64, ..Step::default() };
        for (tenant, deliveries) in self.by_tenant() {
            *step.planned.entry(tenant).or_default() += deliveries.len() as u64;
        }
        if step.unreadable > 0 {
            *step.planned.entry(tenant_key(None)).or_default() += step.unreadable;
        }
        step
    }
}

impl Proactive {
    /// How many shards each part of the audience has.
    pub(crate) fn extent(spec: &Spec) -> ShardCounts {
        let shards = |audience: &Audience| match audience {
            Audience::Everyone {} | Audience::Segment(_) => SHARDS,
            Audience::Topic { .. } => SUBSCRIBER_SHARDS,
            Audience::User(_)
            | Audience::Users { .. }
            | Audience::Conversation { .. }
            | Audience::Channel(_)
            | Audience::Team(_)
            | Audience::Any { .. } => 1,
        };
        match &spec.kind {
            Kind::Announce { audience } => ShardCounts(audience.parts().iter().map(shards).collect()),
            Kind::Recall { .. } | Kind::Correct { .. } | Kind::Resend { .. } => ShardCounts(vec![SLICES]),
        }
    }

    /// The page of recipients at `cursor`.
    pub(crate) async fn page(&self, basis: Basis<'_>, cursor: &Cursor) -> Result<Page, PlanError> {
        match &basis.spec.kind {
            Kind::Announce { audience } => self.page_of_audience(basis, audience, cursor).await,
            Kind::Recall { .. } | Kind::Correct { .. } | Kind::Resend { .. } => {
                self.page_of_report(basis.spec, cursor).await
            }
        }
    }

    async fn page_of_audience(
        &self,
        basis: Basis<'_>,
        audience: &Audience,
        cursor: &Cursor,
    ) -> Result<Page, PlanError> {
        let Basis { spec, rosters, begun } = basis;
        let Some(part) = audience.parts().get(cursor.part) else { return Ok(Page::default()) };
        let Listed { found, unreadable, last } = self.listed(part, rosters, cursor).await?;
        let keys: Vec<_> = found.iter().map(|(recipient, _)| self.key_of(recipient)).collect();
        let known: Vec<ReferenceKey> = keys.iter().flatten().cloned().collect();
        let subscribers = self.subscribers(audience, begun, part, &known).await?;
        let mut deliveries: Vec<Delivery> = Vec::new();
        for ((recipient, values), key) in found.into_iter().zip(keys) {
            let teams = self.teams_of(rosters, part, &recipient);
            let topics = subscribers.topics_of(key.as_ref());
            let seen = Candidate { recipient: &recipient, key: key.as_ref(), teams: &teams, topics: &topics };
            if !part.contains(seen) || !audience.is_first_match(cursor.part, seen) {
                continue;
            }
            let job = spec.job(&self.name(&recipient));
            // A list may name somebody twice.
            if deliveries.iter().all(|delivery| delivery.job != job) {
                deliveries.push(Delivery { values, ..Delivery::new(job, recipient) });
            }
        }
        Ok(Page { deliveries, unreadable, last })
    }

    /// What the reference of a recipient's conversation is found by.
    fn key_of(&self, recipient: &Recipient) -> Option<ReferenceKey> {
        match recipient {
            Recipient::Conversation { reference } => Some(self.references.key(reference)),
            Recipient::User(_) | Recipient::Channel(_) => None,
        }
    }

    /// What a recipient is known by: the person wherever one is, for between two plans of one broadcast a conversation
    /// may come to be.
    fn name(&self, recipient: &Recipient) -> String {
        match recipient {
            Recipient::Conversation { reference } => match reference.person() {
                Some(person) => self.references.person_key(&person),
                None => self.references.key(reference).as_str().to_owned(),
            },
            Recipient::User(user) => self.references.person_key(user),
            Recipient::Channel(channel) => herald::hash::sha256(&[
                "channel",
                &channel.tenant.as_str().to_ascii_lowercase(),
                channel.id.as_str(),
            ]),
        }
    }

    /// Refuses an audience whose conversations are not there.
    pub(crate) async fn check_conversations(&self, spec: &Spec) -> Result<(), PlanError> {
        let Kind::Announce { audience } = &spec.kind else { return Ok(()) };
        for part in audience.parts() {
            if let Audience::Conversation { reference } = part {
                match self.references.get(reference).await {
                    Ok(None) => return Err(PlanError::NoConversation),
                    // It is listed as one that cannot be read, and stops nobody else.
                    Ok(Some(_)) | Err(StoreError::Unreadable { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }
}

/// Who was planned and not told yet, by the hash of their tenant.
pub(crate) struct Waiting<'a> {
    pub(crate) broadcast: &'a Broadcast,
    pub(crate) step: &'a Step,
    pub(crate) counts: &'a Counts,
}

impl Waiting<'_> {
    pub(crate) fn of(&self, tenant: &str) -> u64 {
        let count = |planned: &BTreeMap<String, u64>| planned.get(tenant).copied().unwrap_or(0);
        let planned = count(&self.broadcast.planned) + count(&self.step.planned);
        planned.saturating_sub(self.counts.done_or_deferred(tenant))
    }
}

/// The hash of the tenant of a delivery: also the fair-queue group, which keeps one tenant's crowd from delaying the
/// others.
fn tenant_of(delivery: &Delivery) -> String {
    tenant_key(delivery.recipient.tenant())
}
