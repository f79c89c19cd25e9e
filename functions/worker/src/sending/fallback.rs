//! One request to the channel and its recovery: what is tried instead of a rejected one, and what the rejection
//! changes in the stored reference. Claims, records and repeats are in `send`.

use std::sync::Arc;
use std::time::Duration;

use herald::agent::Turn;
use herald::aws::table::{Closing, ReferenceStore, StoreError, TeamStore};
use herald::channel::connector::Connector;
use herald::clock::Clock;
use herald::error::error_chain;
use herald::jobs::Failure;
use herald::protocol::activity::Activity;
use herald::protocol::channel_error::{ConnectorError, Fallback, ReferenceChange, RejectionReason};
use herald::protocol::conversation::{ConversationReference, User};
use herald::protocol::ids::ActivityId;
use herald::protocol::service_url::ServiceUrl;
use herald::protocol::team::TeamChannel;
use jiff::{SignedDuration, Timestamp};
use tracing::{error, info, warn};

use super::target::Target;

/// Time that has to be left for a second request.
const MIN_REPEAT_TIME: Duration = Duration::from_secs(5);

/// The connector, with the stored references that its rejections concern.
#[derive(Clone)]
pub(crate) struct Channel {
    pub(crate) connector: Arc<Connector>,
    pub(crate) references: ReferenceStore,
    pub(crate) teams: TeamStore,
    pub(crate) clock: Arc<dyn Clock>,
}

/// A request in an existing conversation.
#[derive(Clone, Copy)]
pub(crate) enum Request<'a> {
    /// Sends an activity as a reply to this turn.
    Reply(&'a Turn, &'a Activity),
    /// Sends an activity.
    Send(&'a Activity),
    /// Replaces the activity with this id.
    Update(&'a ActivityId, &'a Activity),
    /// Deletes the activity with this id.
    Delete(&'a ActivityId),
}

impl Channel {
    /// Returns the channel for a request with this `limit`, which starts now: a second one only starts while there is time
    /// for it.
    pub(crate) fn with_time_limit(&self, limit: Duration) -> Self {
        let left = SignedDuration::try_from(limit.saturating_sub(MIN_REPEAT_TIME)).unwrap_or_default();
        let repeat_until = self.clock.now().checked_add(left).ok();
        let connector = Connector { repeat_until, ..self.connector.as_ref().clone() };
        Self { connector: Arc::new(connector), ..self.clone() }
    }

    /// Sends `activity`, and once more where a rejection has a fallback: a rejected request showed nothing.
    ///
    /// ```text
    /// wrong host or region ───► to other service URLs, each once; the one that accepts is stored
    /// no such conversation ───► into the next conversation of the person, or a new one, which is stored
    /// no such activity ───────► not as a reply to it
    /// ```
    pub(crate) async fn send_with_recovery(
        &self,
        target: Target<'_>,
        activity: &Activity,
    ) -> Result<Option<ActivityId>, ConnectorError> {
        Box::pin(self.check_team(target)).await?;
        let request = match target {
            Target::NewThread(channel, _) => {
                // It has no stored reference.
                let created = self.connector.create_thread(channel, activity.clone()).await;
                return created.map(|created| created.activity);
            }
            Target::Answer(turn) => Request::Reply(turn, activity),
            Target::Conversation(_) => Request::Send(activity),
        };
        let (reference, started_at) = (target.reference(), self.clock.now());
        let error = match Box::pin(self.at_right_url(reference, request)).await {
            Ok(id) => return Ok(id),
            Err(error) => error,
        };
        Box::pin(self.update_reference_after(&error, reference, started_at)).await;
        match error.rejection().map_or(Fallback::Nothing, RejectionReason::fallback) {
            // Other service URLs have been tried.
            Fallback::Nothing | Fallback::OtherUrl => Err(error),
            Fallback::OtherConversation if matches!(target, Target::Answer(_)) => Err(error),
            Fallback::NewConversation | Fallback::OtherConversation => {
                Box::pin(self.send_in_other_conversation(error, reference, activity, started_at)).await
            }
            Fallback::AsNew => match target {
                Target::Answer(_) => {
                    self.connector.check_repeat()?;
                    Box::pin(self.at_right_url(reference, Request::Send(activity))).await
                }
                Target::Conversation(_) | Target::NewThread(..) => Err(error),
            },
        }
    }

    /// Makes `request` in the conversation of `reference`; where that is on another host or in another region, at other
    /// service URLs, each once. The one that accepts it is stored.
    pub(crate) async fn at_right_url(
        &self,
        reference: &ConversationReference,
        request: Request<'_>,
    ) -> Result<Option<ActivityId>, ConnectorError> {
        let refused = match self.perform(reference, request).await {
            Err(error) if error.is_wrong_host() => error,
            done => return done,
        };
        for url in self.other_urls(&refused, reference).await {
            self.connector.check_repeat()?;
            let moved = ConversationReference { service_url: url.clone(), ..reference.clone() };
            match self.perform(&moved, request).await {
                Err(error) if error.is_wrong_host() => {}
                Err(error) => return Err(error),
                Ok(id) => {
                    info!(service_url.host = url.authority(), "found a conversation at another service URL");
                    if let Err(error) = self.references.move_to(reference, &url).await {
                        warn!(error = %error_chain(&error), "could not store the service URL of a conversation");
                    }
                    return Ok(id);
                }
            }
        }
        Err(refused)
    }

    async fn other_urls(
        &self,
        refused: &ConnectorError,
        reference: &ConversationReference,
    ) -> Vec<ServiceUrl> {
        let Some(rejection) = refused.rejection() else { return Vec::new() };
        let former = self.references.former_url(reference).await.unwrap_or_else(|error| {
            warn!(error = %error_chain(&error), "could not read the former service URL of a conversation");
            None
        });
        self.connector.cloud.service_urls_after(rejection, &reference.service_url, former.as_ref())
    }

    /// Makes `request` once.
    async fn perform(
        &self,
        reference: &ConversationReference,
        request: Request<'_>,
    ) -> Result<Option<ActivityId>, ConnectorError> {
        match request {
            Request::Reply(turn, activity) if turn.reference.service_url == reference.service_url => {
                self.connector.reply(turn, activity.clone()).await
            }
            Request::Reply(turn, activity) => {
                let moved = Turn { reference: reference.clone(), ..turn.clone() };
                self.connector.reply(&moved, activity.clone()).await
            }
            Request::Send(activity) => self.connector.send(reference, activity.clone()).await,
            Request::Update(id, activity) => {
                let updated = self.connector.update(reference, id, activity.clone()).await;
                updated.map(|()| Some(id.clone()))
            }
            Request::Delete(id) => self.connector.delete(reference, id).await.map(|()| Some(id.clone())),
        }
    }

    /// Returns an error where the agent would speak first in a team or channel that is archived or deleted.
    ///
    /// Where the table fails it is sent all the same: the channel refuses what it does not take, and nothing is lost.
    async fn check_team(&self, target: Target<'_>) -> Result<(), ConnectorError> {
        let closing = match target {
            // Something was just written there.
            Target::Answer(_) => return Ok(()),
            Target::NewThread(channel, _) => self.teams.closing(channel, None).await,
            Target::Conversation(reference) => match reference.team_channel() {
                Some(channel) => self.closing_of_thread(reference, &channel).await,
                None => return Ok(()),
            },
        };
        match closing {
            Ok(None) => Ok(()),
            Ok(Some(closing)) => Err(ConnectorError::ClosedTeam(closing.closed)),
            Err(error) => {
                warn!(error = %error_chain(&error), "could not read whether a team is closed; sending all the same");
                Ok(())
            }
        }
    }

    /// Returns why a thread of `channel` is closed, unless something was written in it since.
    async fn closing_of_thread(
        &self,
        reference: &ConversationReference,
        channel: &TeamChannel,
    ) -> Result<Option<Closing>, StoreError> {
        let closing = self.teams.closing(channel, reference.team_id.as_ref()).await?;
        match closing {
            Some(closing) if self.references.is_active_since(reference, &closing).await? => Ok(None),
            closing => Ok(closing),
        }
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
        if let Some(person) = reference.person() {
            if rejection.reference_change() == ReferenceChange::Dropped {
                self.forget_unreachable(&person).await;
            }
            self.mark_unreachable(&person, error, started_at).await;
        }
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

    /// Records that the channel refused to write to `person`, where the refusal is about the person.
    pub(crate) async fn mark_unreachable(
        &self,
        person: &User,
        error: &ConnectorError,
        started_at: Timestamp,
    ) {
        if let Err(error) = self.references.mark_unreachable(person, &Failure::from(error), started_at).await
        {
            warn!(error = %error_chain(&error), "could not record that a person cannot be written to");
        }
    }

    /// Forgets an earlier refusal: the conversation that the person had since is gone, and another may be created.
    async fn forget_unreachable(&self, person: &User) {
        if let Err(error) = self.references.forget_unreachable(person).await {
            warn!(error = %error_chain(&error), "could not forget that a person could not be written to");
        }
    }
}
