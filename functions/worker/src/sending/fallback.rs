//! One request to the channel and its recovery: what is tried instead of a rejected one, and what the rejection
//! changes in the stored reference. Claims, records and repeats are in `send`.

use std::sync::Arc;

use herald::aws::table::ReferenceStore;
use herald::channel::connector::Connector;
use herald::clock::Clock;
use herald::error::error_chain;
use herald::protocol::activity::Activity;
use herald::protocol::channel_error::{ConnectorError, Fallback, ReferenceChange, RejectionReason};
use herald::protocol::conversation::ConversationReference;
use herald::protocol::ids::ActivityId;
use jiff::Timestamp;
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
    /// no such conversation ───► into the next conversation of the person, or a new one, which is stored
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
            Fallback::OtherConversation if matches!(target, Target::Answer(_)) => Err(error),
            Fallback::NewConversation | Fallback::OtherConversation => {
                Box::pin(self.send_in_other_conversation(error, target.reference(), activity, started_at)).await
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
