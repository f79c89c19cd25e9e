//! One request to the channel and its recovery: what is tried instead of a rejected one, and what the rejection
//! changes in the stored reference. Claims, records and repeats are in `send`.

use std::sync::Arc;

use herald::aws::table::ReferenceStore;
use herald::channel::connector::Connector;
use herald::clock::Clock;
use herald::error::error_chain;
use herald::protocol::activity::Activity;
use herald::protocol::channel_error::{ConnectorError, Fallback, ReferenceChange, RejectionReason};
use herald::protocol::conversation::lifecycle::Presence;
use herald::protocol::conversation::{ConversationReference, User};
use herald::protocol::ids::ActivityId;
use jiff::{SignedDuration, Timestamp};
use tracing::{error, info, warn};

use super::target::Target;

/// The connector, with the stored references that its rejections concern.
#[derive(Clone)]
pub(crate) struct Channel {
    pub(crate) connector: Arc<Connector>,
    pub(crate) references: ReferenceStore,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Channel {
    /// Sends `activity`, and once more where a rejection has a fallback: a rejected request showed nothing.
    ///
    /// ```text
    /// wrong host ─────────────► to the other host of the cloud, which is stored
    /// no such conversation ───► into a new conversation with the person, which is stored
    /// no such activity ───────► not as a reply to it
    /// ```
    pub(crate) async fn send_with_recovery(
        &self,
        target: Target<'_>,
        activity: &Activity,
    ) -> Result<Option<ActivityId>, ConnectorError> {
        if let Target::NewThread(channel, _) = target {
            // It has no stored reference.
            return self
                .connector
                .create_thread(channel, activity.clone())
                .await
                .map(|created| created.activity);
        }
        let started_at = self.clock.now();
        let error = match Box::pin(self.send_once(target, activity)).await {
            Ok(id) => return Ok(id),
            Err(error) => error,
        };
        Box::pin(self.update_reference_after(&error, target.reference(), started_at)).await;
        match error.rejection().map_or(Fallback::Nothing, RejectionReason::fallback) {
            Fallback::Nothing => Err(error),
            Fallback::OtherHost => Box::pin(self.send_via_alternate_host(error, target, activity)).await,
            Fallback::NewConversation => {
                Box::pin(self.send_in_new_conversation(error, target.reference(), activity, started_at)).await
            }
            Fallback::AsNew => match target {
                Target::Answer(turn) => self.connector.send(&turn.reference, activity.clone()).await,
                Target::Conversation(_) | Target::NewThread(..) => Err(error),
            },
        }
    }

    /// Sends `activity` without any fallback.
    async fn send_once(
        &self,
        target: Target<'_>,
        activity: &Activity,
    ) -> Result<Option<ActivityId>, ConnectorError> {
        match target {
            Target::Answer(turn) => self.connector.reply(turn, activity.clone()).await,
            Target::Conversation(reference) | Target::NewThread(_, reference) => {
                self.connector.send(reference, activity.clone()).await
            }
        }
    }

    /// Sends to the other host of the cloud and stores that host if the conversation is there.
    async fn send_via_alternate_host(
        &self,
        refused: ConnectorError,
        target: Target<'_>,
        activity: &Activity,
    ) -> Result<Option<ActivityId>, ConnectorError> {
        let reference = target.reference();
        let Some(url) = self.connector.cloud.other_service_url(&reference.service_url) else {
            return Err(refused);
        };
        let moved = ConversationReference { service_url: url.clone(), ..reference.clone() };
        let started_at = self.clock.now();
        let sent = self.connector.send(&moved, activity.clone()).await;
        match &sent {
            Ok(_) => {
                info!(service_url.host = url.authority(), "found a conversation on the channel's other host");
                if let Err(error) = self.references.move_to(reference, url).await {
                    warn!(error = %error_chain(&error), "could not store the host of a conversation");
                }
            }
            Err(error) => self.update_reference_after(error, reference, started_at).await,
        }
        sent
    }

    /// Sends into a new conversation with the person. Creating one shows nothing and may be repeated, so that no
    /// failure of it is ambiguous.
    async fn send_in_new_conversation(
        &self,
        refused: ConnectorError,
        reference: &ConversationReference,
        activity: &Activity,
        started_at: Timestamp,
    ) -> Result<Option<ActivityId>, ConnectorError> {
        let Some(person) = reference.person() else { return Err(refused) };
        let created = match self.recreate_conversation(reference, &person).await {
            Ok(Some(created)) => created,
            Ok(None) => return Err(refused),
            Err(error @ ConnectorError::Ambiguous { .. }) => {
                return Err(ConnectorError::NotSent(error.into()));
            }
            Err(error) => return Err(error),
        };
        // Of two updates at one moment the removal wins; this one is later than it.
        let moment = started_at.checked_add(SignedDuration::from_millis(1)).unwrap_or(started_at);
        if let Err(error) = self.references.upsert(&created, Presence::Active, moment).await {
            warn!(error = %error_chain(&error), "could not store a conversation that was created again");
        }
        info!("created a conversation again");
        let sent = self.connector.send(&created, activity.clone()).await;
        if let Err(error) = &sent {
            let later = moment.checked_add(SignedDuration::from_millis(1)).unwrap_or(moment);
            self.update_reference_after(error, &created, later).await;
        }
        sent
    }

    /// Creates a new conversation with the person and returns its reference; `None` where the agent has no account.
    async fn recreate_conversation(
        &self,
        lost: &ConversationReference,
        person: &User,
    ) -> Result<Option<ConversationReference>, ConnectorError> {
        let created = self.connector.create_conversation(person).await?;
        let Some(agent) = self.connector.agent_account(person.channel.as_str()) else { return Ok(None) };
        let created =
            ConversationReference::created(created.conversation, created.service_url, person, agent);
        Ok(Some(ConversationReference {
            user: lost.user.clone(),
            locale: lost.locale.clone(),
            timezone: lost.timezone.clone(),
            ..created
        }))
    }

    /// Updates the stored reference after the connector rejected a request that was started at `started_at`. This is the
    /// only place that does. Where the table fails, the reference stays as it is until the next rejection.
    pub(crate) async fn update_reference_after(
        &self,
        error: &ConnectorError,
        reference: &ConversationReference,
        started_at: Timestamp,
    ) {
        let ConnectorError::Rejected { code, rejection, .. } = error else { return };
        let description = rejection.to_string();
        let reason = code.as_deref().unwrap_or(&description);
        let done = match rejection.reference_change() {
            ReferenceChange::Kept => return,
            ReferenceChange::Suspended => self.references.suspend(reference, reason, started_at).await,
            ReferenceChange::Dropped => {
                self.references.drop_conversation(reference, reason, started_at).await
            }
            ReferenceChange::Suspect => {
                self.references.suspect(reference, reason, started_at).await.map(drop)
            }
            ReferenceChange::SuspendedOnRepeat => {
                match self.references.suspect(reference, reason, started_at).await {
                    Ok(true) => self.references.suspend(reference, reason, started_at).await,
                    marked => marked.map(drop),
                }
            }
        };
        if let Err(error) = done {
            error!(error = %error_chain(&error), "could not update the reference of a conversation after a rejection");
        }
    }
}
