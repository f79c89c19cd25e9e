//! What comes of one request to the channel: what is tried at once instead, and what becomes of the reference.
//! What a refusal means is the connector's; claims, records and repeats are `send`'s.

use herald::error::error_chain;
use herald::protocol::activity::Activity;
use herald::protocol::channel_error::{ConnectorError, Fallback, ReferenceChange, RejectionReason};
use herald::protocol::conversation::lifecycle::Presence;
use herald::protocol::conversation::{ConversationReference, User};
use herald::protocol::ids::ActivityId;
use jiff::{SignedDuration, Timestamp};
use tracing::{error, info, warn};

use crate::Worker;
use crate::send::Target;

impl Worker {
    /// Sends `activity`, and once more where the channel says that it belongs elsewhere: nothing was shown then.
    ///
    /// ```text
    /// wrong host ─────────────► the cloud's other host, which is kept
    /// no such conversation ───► the person's conversation created anew, which is kept
    /// no such activity ───────► not as an answer to it
    /// ```
    pub(crate) async fn say(
        &self,
        target: Target<'_>,
        activity: &Activity,
    ) -> Result<Option<ActivityId>, ConnectorError> {
        if let Target::NewThread(channel, _) = target {
            // It has no reference to be mended.
            return self.connector.create_thread(channel, activity.clone()).await.map(|begun| begun.activity);
        }
        let begun = self.clock.now();
        let error = match Box::pin(self.say_once(target, activity)).await {
            Ok(id) => return Ok(id),
            Err(error) => error,
        };
        Box::pin(self.take_to_heart(&error, target.reference(), begun)).await;
        match error.rejection().map_or(Fallback::Nothing, RejectionReason::fallback) {
            Fallback::Nothing => Err(error),
            Fallback::OtherHost => Box::pin(self.say_elsewhere(error, target, activity)).await,
            Fallback::NewConversation => {
                Box::pin(self.say_anew(error, target.reference(), activity, begun)).await
            }
            Fallback::AsNew => match target {
                Target::Answer(turn) => self.connector.send(&turn.reference, activity.clone()).await,
                Target::Conversation(_) | Target::NewThread(..) => Err(error),
            },
        }
    }

    async fn say_once(
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

    async fn say_elsewhere(
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
        let begun = self.clock.now();
        let said = self.connector.send(&moved, activity.clone()).await;
        match &said {
            Ok(_) => {
                info!(service_url.host = url.authority(), "found a conversation on the channel's other host");
                if let Err(error) = self.references.move_to(reference, url).await {
                    warn!(error = %error_chain(&error), "could not keep the host of a conversation");
                }
            }
            Err(error) => self.take_to_heart(error, reference, begun).await,
        }
        said
    }

    /// Creating shows nothing and may be repeated freely, so nothing that happens to it is ambiguous.
    async fn say_anew(
        &self,
        refused: ConnectorError,
        reference: &ConversationReference,
        activity: &Activity,
        begun: Timestamp,
    ) -> Result<Option<ActivityId>, ConnectorError> {
        let Some(person) = reference.person() else { return Err(refused) };
        let anew = match self.create_again(reference, &person).await {
            Ok(Some(anew)) => anew,
            Ok(None) => return Err(refused),
            Err(error @ ConnectorError::Ambiguous { .. }) => {
                return Err(ConnectorError::NotSent(error.into()));
            }
            Err(error) => return Err(error),
        };
        // Of two words of one moment the ending counts, and this one is later than its end.
        let moment = begun.checked_add(SignedDuration::from_millis(1)).unwrap_or(begun);
        if let Err(error) = self.references.upsert(&anew, Presence::Active, moment).await {
            warn!(error = %error_chain(&error), "could not keep a conversation that was created anew");
        }
        info!("created a conversation anew");
        let said = self.connector.send(&anew, activity.clone()).await;
        if let Err(error) = &said {
            let later = moment.checked_add(SignedDuration::from_millis(1)).unwrap_or(moment);
            self.take_to_heart(error, &anew, later).await;
        }
        said
    }

    async fn create_again(
        &self,
        lost: &ConversationReference,
        person: &User,
    ) -> Result<Option<ConversationReference>, ConnectorError> {
        let created = self.connector.create_conversation(person).await?;
        let Some(agent) = self.connector.agent_account(person.channel.as_str()) else { return Ok(None) };
        let anew = ConversationReference::created(created.conversation, created.service_url, person, agent);
        Ok(Some(ConversationReference {
            user: lost.user.clone(),
            locale: lost.locale.clone(),
            timezone: lost.timezone.clone(),
            ..anew
        }))
    }

    /// What the refusal of a request begun at this moment does to the stored reference: the one place that acts on
    /// it. A table that fails leaves the reference as it is, until the next refusal.
    pub(crate) async fn take_to_heart(
        &self,
        error: &ConnectorError,
        reference: &ConversationReference,
        begun: Timestamp,
    ) {
        let ConnectorError::Rejected { code, reason: refusal, .. } = error else { return };
        let words = refusal.to_string();
        let reason = code.as_deref().unwrap_or(&words);
        let done = match refusal.reference_change() {
            ReferenceChange::Kept => return,
            ReferenceChange::Suspended => self.references.suspend(reference, reason, begun).await,
            ReferenceChange::Dropped => self.references.drop_conversation(reference, reason, begun).await,
            ReferenceChange::Suspect => self.references.suspect(reference, reason, begun).await.map(drop),
            ReferenceChange::SuspendedOnRepeat => {
                match self.references.suspect(reference, reason, begun).await {
                    Ok(true) => self.references.suspend(reference, reason, begun).await,
                    marked => marked.map(drop),
                }
            }
        };
        if let Err(error) = done {
            error!(error = %error_chain(&error), "could not keep what a refusal says of a conversation");
        }
    }
}
