//! A conversation with a user without one: created and stored before anything is sent in it.

use herald::agent::{Notification, Recipient};
use herald::aws::table::StoreError;
use herald::error::error_chain;
use herald::jobs::{Failure, FailureKind, JobId};
use herald::protocol::channel_error::{ConnectorError, Retry};
use herald::protocol::conversation::lifecycle::Presence;
use herald::protocol::conversation::{ConversationReference, ConversationSurface, User};
use herald::protocol::ids::ActivityId;
use herald::protocol::service_url::ServiceUrl;
use herald::protocol::team::{Team, TeamChannel};
use tracing::{error, info};

use super::fallback::Channel;
use super::rate_limit::RateLimiter;
use crate::retry::RetryIn;

/// Why a recipient has no conversation.
pub(crate) enum NoConversation {
    /// The recipient cannot be reached, for this reason.
    Unreachable(Failure),
    /// The conversation could not be read or created; the delivery is retried.
    Postponed(Postponed),
}

/// A delivery that is retried.
pub(crate) struct Postponed {
    pub(crate) retry: RetryIn,
    pub(crate) failure: Failure,
}

impl From<Postponed> for NoConversation {
    fn from(postponed: Postponed) -> Self {
        Self::Postponed(postponed)
    }
}

/// Finds and creates conversations.
#[derive(Clone)]
pub(crate) struct Conversations {
    pub(crate) channel: Channel,
    pub(crate) limits: RateLimiter,
}

impl Conversations {
    /// Whether the conversation that a notification for `recipient` goes to needs neither be found nor created: a channel, a
    /// group, or a personal conversation on the surface that notifications are for.
    pub(crate) fn is_known(&self, recipient: &Recipient, notification: &Notification) -> bool {
        match recipient {
            Recipient::Channel(_) => true,
            Recipient::User(_) => false,
            Recipient::Conversation { reference } => {
                let is_on_surface = reference.surface() == self.channel.connector.conversations;
                reference.person().is_none() || (is_on_surface && !notification.dedicated_thread)
            }
        }
    }

    /// Returns the newest conversation with `user` on the surface that notifications are for, else creates one.
    pub(crate) async fn find_or_create(
        &self,
        user: &User,
        job: &JobId,
    ) -> Result<ConversationReference, NoConversation> {
        let surface = self.channel.connector.conversations;
        match self.channel.references.person(user).await {
            Ok(person) => match person.and_then(|person| person.newest(surface)) {
                Some(reference) => Ok(reference),
                None => self.create(user, surface, job).await,
            },
            Err(error) => Err(self.postpone_after_store_error(&error, job).into()),
        }
    }

    /// Creates a conversation for one notification where the channel has such: a thread of Copilot. A repetition after a
    /// failure creates another.
    pub(crate) async fn create_dedicated(
        &self,
        user: &User,
        job: &JobId,
    ) -> Result<ConversationReference, NoConversation> {
        self.create(user, ConversationSurface::Copilot, job).await
    }

    /// Creates the conversation and stores its reference before anything is sent in it: creating may be repeated,
    /// sending may not.
    ///
    /// Someone whom the channel refused before is not asked again until something new comes from them.
    async fn create(
        &self,
        user: &User,
        surface: ConversationSurface,
        job: &JobId,
    ) -> Result<ConversationReference, NoConversation> {
        match self.channel.references.unreachable(user, self.channel.clock.now()).await {
            Ok(Some(failure)) => return Err(NoConversation::Unreachable(failure)),
            Ok(None) => {}
            Err(error) => return Err(self.postpone_after_store_error(&error, job).into()),
        }
        let started_at = self.channel.clock.now();
        let created = match self.channel.connector.create_conversation(user, surface).await {
            Ok(created) => created,
            Err(error) => {
                self.limits.pause_tenant(&error, Some(&user.tenant)).await;
                self.channel.mark_unreachable(user, &error, started_at).await;
                return Err(self.not_created(&error, job));
            }
        };
        info!(job.id = job.as_str(), "created a conversation");
        let Some(agent) = self.channel.connector.agent_account(user.channel.as_str()) else {
            return Err(NoConversation::Unreachable(FailureKind::NoAgentAccount.into()));
        };
        let reference =
            ConversationReference::created(created.conversation, created.service_url, user, agent, surface);
        // It may be stored already under the person's other id, and that record holds more.
        match self.channel.references.get(&self.channel.references.key(&reference)).await {
            Ok(Some(known)) => return Ok(known),
            Ok(None) => {}
            Err(error) => return Err(self.postpone_after_store_error(&error, job).into()),
        }
        let stored =
            Box::pin(self.channel.references.upsert(&reference, Presence::Active, self.channel.clock.now()))
                .await;
        stored.map_err(|error| self.postpone_after_store_error(&error, job))?;
        Ok(reference)
    }

    /// Returns the reference of `channel`, or of the thread in it that begins with `root`; `None` where the agent
    /// has no account.
    pub(crate) fn thread_of(
        &self,
        channel: &TeamChannel,
        root: Option<&ActivityId>,
    ) -> Option<ConversationReference> {
        let agent = self.channel.connector.agent_account("msteams")?;
        ConversationReference::of_thread(
            channel,
            root,
            self.channel.connector.cloud.global_service_url.clone(),
            agent,
        )
    }

    /// Returns the service URL of a team: that of its General channel, if stored, else the global one.
    pub(crate) async fn service_url_of(&self, team: &Team) -> Result<ServiceUrl, StoreError> {
        let general = TeamChannel { tenant: team.tenant.clone(), id: team.id.clone() };
        let global = self.channel.connector.cloud.global_service_url.clone();
        let Some(reference) = self.thread_of(&general, None) else { return Ok(global) };
        let references = &self.channel.references;
        let known = references.get(&references.key(&reference)).await?;
        Ok(known.map_or(global, |known| known.service_url))
    }

    fn postpone_after_store_error(&self, error: &StoreError, job: &JobId) -> Postponed {
        let retry = RetryIn::after_store_error(error, job, &self.limits.random);
        Postponed { retry, failure: FailureKind::TableUnavailable.into() }
    }

    fn not_created(&self, error: &ConnectorError, job: &JobId) -> NoConversation {
        let cause = error_chain(error);
        error!(error = %cause, job.id = job.as_str(), "could not create a conversation");
        let backoff = RetryIn::backoff(1, &self.limits.random);
        let failure = Failure::from(error);
        if failure.systemic {
            return Postponed { retry: backoff, failure }.into();
        }
        let postpone = |retry| NoConversation::from(Postponed { retry, failure: failure.clone() });
        match error.retry() {
            Retry::After(wait) => postpone(RetryIn::after(wait)),
            // Creating shows nothing, so that it is repeated until the delivery expires.
            Retry::Backoff | Retry::WithinResendBudget(_) => postpone(backoff),
            Retry::Never => NoConversation::Unreachable(failure),
        }
    }
}
