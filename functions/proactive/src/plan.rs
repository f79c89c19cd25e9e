//! Planning: an audience becomes deliveries, each with the job id that makes repeats harmless.
//! The same firing planned twice makes the same jobs; the worker's claims absorb the second.

use std::collections::BTreeMap;

use herald::ledger::JobId;
use herald::occasion::{Audience, Occasion, Recipient};
use herald::queue::{BodyError, DeliveriesWork, Delivery, QueueError, Work};
use herald::store::{Shard, StoreError};
use tracing::warn;

use crate::Proactive;
use crate::event::Firing;

/// Recipients of one message.
const RECIPIENTS: usize = 10;

/// What a plan came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Planned {
    /// Recipients whose delivery is queued.
    pub recipients: usize,
    /// References that could not be read and were left out.
    pub unreadable: usize,
}

/// Why a plan was not finished; the event may be repeated.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The audience could not be listed.
    #[error("audience could not be listed")]
    Store(#[from] StoreError),
    /// The deliveries could not be queued.
    #[error("deliveries could not be queued")]
    Queue(#[from] QueueError),
    /// There is no such conversation, or it is over.
    #[error("`audience.reference` names no conversation that can be spoken to")]
    NoConversation,
}

impl Proactive {
    /// Queues a delivery for everyone in the audience.
    ///
    /// # Errors
    ///
    /// [`PlanError`]; deliveries queued before it stay queued, and a repeat does not double them.
    pub async fn plan(&self, firing: &Firing) -> Result<Planned, PlanError> {
        match &firing.audience {
            Audience::Everyone {} => self.plan_everyone(firing).await,
            Audience::User(user) => {
                let recipient = match self.references.find(user).await? {
                    Some(reference) => Recipient::Conversation { reference },
                    None => Recipient::User(user.clone()),
                };
                self.queue(firing, vec![recipient]).await
            }
            Audience::Conversation { reference } => {
                let reference = self.references.get(reference).await?.ok_or(PlanError::NoConversation)?;
                self.queue(firing, vec![Recipient::Conversation { reference }]).await
            }
        }
    }

    async fn plan_everyone(&self, firing: &Firing) -> Result<Planned, PlanError> {
        let mut planned = Planned::default();
        for shard in Shard::all() {
            let mut next = None;
            loop {
                let page = self.references.list(shard, next).await?;
                if page.unreadable > 0 {
                    warn!(count = page.unreadable, "left out references that cannot be read");
                }
                planned.unreadable += page.unreadable;
                let references = page.references.into_iter();
                let recipients = references.map(|reference| Recipient::Conversation { reference }).collect();
                planned.recipients += self.queue(firing, recipients).await?.recipients;
                next = page.next;
                if next.is_none() {
                    break;
                }
            }
        }
        Ok(planned)
    }

    async fn queue(&self, firing: &Firing, recipients: Vec<Recipient>) -> Result<Planned, PlanError> {
        let count = recipients.len();
        // One message is for one tenant: a tenant that is throttled holds up no other.
        let mut by_tenant: BTreeMap<String, Vec<Delivery>> = BTreeMap::new();
        for recipient in recipients {
            let delivery = self.delivery(firing, recipient);
            by_tenant.entry(tenant_of(&delivery)).or_default().push(delivery);
        }
        let chunks = by_tenant.values().flat_map(|deliveries| deliveries.chunks(RECIPIENTS));
        let works: Vec<_> = chunks.flat_map(|chunk| messages(&firing.occasion, chunk)).collect();
        self.deliveries.send_all(&works).await?;
        Ok(Planned { recipients: count, unreadable: 0 })
    }

    fn delivery(&self, firing: &Firing, recipient: Recipient) -> Delivery {
        // The person wherever one is known: between two plans of one firing a conversation may come to be.
        let name = match &recipient {
            Recipient::Conversation { reference } => match reference.person() {
                Some(person) => self.references.person_key(&person),
                None => self.references.key(reference).as_str().to_owned(),
            },
            Recipient::User(user) => self.references.person_key(user),
        };
        let job = JobId::of_delivery(&firing.schedule_arn, firing.occasion.scheduled_time, &name);
        Delivery { job, recipient }
    }
}

/// The chunk as one message, or as several where its references are too large for one.
fn messages(occasion: &Occasion, chunk: &[Delivery]) -> Vec<(Work, String)> {
    let work = Work::Deliveries(DeliveriesWork { occasion: occasion.clone(), deliveries: chunk.to_vec() });
    match (work.encode(), chunk.split_at_checked(chunk.len() / 2)) {
        (Err(BodyError::TooLarge { .. }), Some((first, second))) if !first.is_empty() => {
            [messages(occasion, first), messages(occasion, second)].concat()
        }
        _ => vec![(work, chunk.first().map(tenant_of).unwrap_or_default())],
    }
}

/// The fair-queue group: a hint that keeps one tenant's crowd from delaying the others.
fn tenant_of(delivery: &Delivery) -> String {
    let tenant = delivery.recipient.tenant().map_or("none", |tenant| tenant.as_str());
    herald::digest::short(&tenant.to_ascii_lowercase())
}
