//! Another conversation with the person of one that refused: the next one that is known, or a new one. Nothing was shown in
//! the first, and the other one is a personal conversation of the same person.

use herald::error::error_chain;
use herald::protocol::activity::Activity;
use herald::protocol::channel_error::{ConnectorError, Fallback, RejectionReason};
use herald::protocol::conversation::lifecycle::Presence;
use herald::protocol::conversation::{ConversationReference, User};
use herald::protocol::ids::{ActivityId, ConversationId};
use jiff::{SignedDuration, Timestamp};
use tracing::{info, warn};

use super::fallback::{Channel, Request};

/// Known conversations that are tried before a new one is created.
const MAX_TRIES: usize = 3;

impl Channel {
    /// Sends into the next conversation of the person on the same surface, or into a new one.
    pub(super) async fn send_in_other_conversation(
        &self,
        refused: ConnectorError,
        reference: &ConversationReference,
        activity: &Activity,
        started_at: Timestamp,
    ) -> Result<Option<ActivityId>, ConnectorError> {
        let Some(person) = reference.person() else { return Err(refused) };
        let mut tried = vec![reference.conversation.id.clone()];
        while tried.len() <= MAX_TRIES {
            let Some(next) = self.next_conversation(&person, reference, &tried).await else { break };
            let next_started_at = self.clock.now();
            let error = match Box::pin(self.at_right_url(&next, Request::Send(activity))).await {
                Ok(id) => {
                    info!("sent in another conversation of the person");
                    return Ok(id);
                }
                Err(error) => error,
            };
            Box::pin(self.update_reference_after(&error, &next, next_started_at)).await;
            let fallback = error.rejection().map(RejectionReason::fallback);
            if !matches!(fallback, Some(Fallback::NewConversation | Fallback::OtherConversation)) {
                return Err(error);
            }
            tried.push(next.conversation.id);
        }
        Box::pin(self.send_in_new_conversation(refused, reference, &person, activity, started_at)).await
    }

    /// Returns the newest conversation of the person on the surface of `reference` that was not tried.
    async fn next_conversation(
        &self,
        person: &User,
        reference: &ConversationReference,
        tried: &[ConversationId],
    ) -> Option<ConversationReference> {
        match self.references.person(person).await {
            Ok(known) => {
                known?.newest(reference.surface()).filter(|next| !tried.contains(&next.conversation.id))
            }
            Err(error) => {
                warn!(error = %error_chain(&error), "could not read the conversations of a person");
                None
            }
        }
    }

    /// Sends into a new conversation with the person. Creating one shows nothing and may be repeated, so that no
    /// failure of it is ambiguous.
    async fn send_in_new_conversation(
        &self,
        refused: ConnectorError,
        reference: &ConversationReference,
        person: &User,
        activity: &Activity,
        started_at: Timestamp,
    ) -> Result<Option<ActivityId>, ConnectorError> {
        let created = match self.recreate_conversation(reference, person).await {
            Ok(Some(created)) => created,
            Ok(None) => return Err(refused),
            Err(error @ ConnectorError::Ambiguous { .. }) => {
                return Err(ConnectorError::NotSent(error.into()));
            }
            Err(error) => return Err(error),
        };
        // Of two updates at one moment the removal wins; this one is later than it.
        let moment = started_at.checked_add(SignedDuration::from_millis(1)).unwrap_or(started_at);
        if let Err(error) = Box::pin(self.references.upsert(&created, Presence::Active, moment)).await {
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
        let surface = lost.surface();
        let created = self.connector.create_conversation(person, surface).await?;
        let Some(agent) = self.connector.agent_account(person.channel.as_str()) else { return Ok(None) };
        let created =
            ConversationReference::created(created.conversation, created.service_url, person, agent, surface);
        Ok(Some(ConversationReference {
            user: lost.user.clone(),
            locale: lost.locale.clone(),
            timezone: lost.timezone.clone(),
            ..created
        }))
    }
}
