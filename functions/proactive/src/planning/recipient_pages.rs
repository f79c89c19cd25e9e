//! The recipients of a broadcast, page by page: those of its audience, or those of the broadcast it amends.
//! `plan` queues them.

use herald::agent::Recipient;
use herald::aws::queue::Delivery;
use herald::aws::table::{
    BroadcastStore, ReferenceStore, SLICES, SUBSCRIBER_SHARDS, StoreError, SubscriptionStore,
};
use herald::broadcast::audience::{Audience, Candidate, ConversationKind};
use herald::broadcast::{Cursor, Kind, PartShards, Spec};
use herald::hash;
use herald::protocol::conversation::{ReferenceKey, Subject};
use jiff::Timestamp;

use crate::planning::amend_targets::AmendTargets;
use crate::planning::error::PlanError;
use crate::planning::page::Page;
use crate::planning::resolve::{ResolvedPage, Resolver};
use crate::planning::rosters::{RosterReader, Rosters};
use crate::planning::subscribers::Subscribers;

/// The inputs that all pages of one broadcast share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlanContext<'a> {
    pub(crate) spec: &'a Spec,
    pub(crate) rosters: &'a Rosters,
    /// When the broadcast began.
    pub(crate) begun: Timestamp,
}

/// Reads the recipients of a broadcast.
pub(crate) struct Recipients {
    references: ReferenceStore,
    subscriptions: SubscriptionStore,
    rosters: RosterReader,
    resolver: Resolver,
    amend_targets: AmendTargets,
}

impl Recipients {
    pub(crate) fn new(
        references: ReferenceStore,
        subscriptions: SubscriptionStore,
        broadcasts: BroadcastStore,
        rosters: RosterReader,
    ) -> Self {
        Self {
            resolver: Resolver {
                references: references.clone(),
                subscriptions: subscriptions.clone(),
                rosters: rosters.clone(),
            },
            amend_targets: AmendTargets { broadcasts, references: references.clone() },
            references,
            subscriptions,
            rosters,
        }
    }

    /// Returns the shards of each part of the audience; of those that the table enumerates the ones in use. A shard that comes
    /// into use later lists persons whose first activity came later.
    pub(crate) async fn shards(&self, spec: &Spec) -> Result<PartShards, StoreError> {
        let Kind::Announce { audience } = &spec.kind else {
            return Ok(PartShards(vec![(0..SLICES).collect()]));
        };
        let mut shards = Vec::new();
        for part in audience.parts() {
            shards.push(match part {
                Audience::Everyone {} => self.shards_in_use(ConversationKind::Personal).await?,
                Audience::Segment(segment) => self.shards_in_use(segment.conversations).await?,
                Audience::Topic { .. } => (0..SUBSCRIBER_SHARDS).collect(),
                Audience::User(_)
                | Audience::Users { .. }
                | Audience::Conversation { .. }
                | Audience::Channel(_)
                | Audience::Team(_)
                | Audience::Any { .. } => vec![0],
            });
        }
        Ok(PartShards(shards))
    }

    async fn shards_in_use(&self, kind: ConversationKind) -> Result<Vec<u16>, StoreError> {
        let shards = self.references.shards(kind).await?;
        Ok(shards.into_iter().map(|shard| u16::from(shard.0)).collect())
    }

    /// Returns the page of deliveries at `cursor`.
    pub(crate) async fn page(&self, context: PlanContext<'_>, cursor: &Cursor) -> Result<Page, PlanError> {
        match &context.spec.kind {
            Kind::Announce { audience } => self.page_of_audience(context, audience, cursor).await,
            Kind::Recall { .. } | Kind::Correct { .. } | Kind::Resend { .. } => {
                self.amend_targets.page(context.spec, cursor).await
            }
        }
    }

    async fn page_of_audience(
        &self,
        context: PlanContext<'_>,
        audience: &Audience,
        cursor: &Cursor,
    ) -> Result<Page, PlanError> {
        let PlanContext { spec, rosters, begun } = context;
        let Some(part) = audience.parts().get(cursor.part) else { return Ok(Page::default()) };
        let resolved = self.resolver.resolve(part, rosters, cursor).await?;
        let ResolvedPage { found, unreadable, last } = resolved;
        let keys: Vec<_> = found.iter().map(|(recipient, _)| self.reference_key(recipient)).collect();
        let subject = |(recipient, _): &(Recipient, _)| self.references.subject_of(recipient);
        let subjects: Vec<_> = found.iter().map(subject).collect();
        let known: Vec<Subject> = subjects.iter().flatten().cloned().collect();
        let subscribers = Subscribers::load(&self.subscriptions, audience, begun, part, &known).await?;
        let mut deliveries: Vec<Delivery> = Vec::new();
        for (((recipient, values), key), subject) in found.into_iter().zip(keys).zip(subjects) {
            let teams = self.rosters.teams_of(rosters, part, &recipient);
            let topics = subscribers.topics_of(subject.as_ref());
            let candidate =
                Candidate { recipient: &recipient, key: key.as_ref(), teams: &teams, topics: &topics };
            if !part.contains(candidate) || !audience.is_first_match(cursor.part, candidate) {
                continue;
            }
            let job = spec.job(&self.recipient_key(&recipient));
            // A list may name a person twice.
            if deliveries.iter().all(|delivery| delivery.job != job) {
                deliveries.push(Delivery { values, ..Delivery::new(job, recipient) });
            }
        }
        Ok(Page { deliveries, unreadable, last })
    }

    /// Returns the key of a recipient's conversation; `None` where there is none yet.
    fn reference_key(&self, recipient: &Recipient) -> Option<ReferenceKey> {
        match recipient {
            Recipient::Conversation { reference } => Some(self.references.key(reference)),
            Recipient::User(_) | Recipient::Channel(_) => None,
        }
    }

    /// Returns a stable key of the recipient. Prefers the person over the conversation, because a conversation may be
    /// created between two planning passes.
    fn recipient_key(&self, recipient: &Recipient) -> String {
        match recipient {
            Recipient::Conversation { reference } => self.references.subject(reference).as_str().to_owned(),
            Recipient::User(user) => self.references.person_key(user),
            Recipient::Channel(channel) => {
                hash::sha256(&["channel", &channel.tenant.as_str().to_ascii_lowercase(), channel.id.as_str()])
            }
        }
    }

    /// Rejects an audience that names a conversation which does not exist.
    pub(crate) async fn check_conversations(&self, spec: &Spec) -> Result<(), PlanError> {
        let Kind::Announce { audience } = &spec.kind else { return Ok(()) };
        for part in audience.parts() {
            if let Audience::Conversation { reference } = part {
                match self.references.get(reference).await {
                    Ok(None) => return Err(PlanError::NoConversation),
                    // Reported as unreadable; it does not block the other recipients.
                    Ok(Some(_)) | Err(StoreError::Unreadable { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }
}
