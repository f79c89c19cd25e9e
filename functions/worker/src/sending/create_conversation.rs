//! A conversation with somebody whom none is known with: created, and kept, before anything is said in it.
//! What is said is the delivery's.

use herald::aws::table::StoreError;
use herald::broadcast::concerns_all;
use herald::error::error_chain;
use herald::jobs::Job;
use herald::protocol::channel_error::{ConnectorError, Retry};
use herald::protocol::conversation::lifecycle::Change;
use herald::protocol::conversation::{ConversationReference, User};
use tracing::{error, info};

use crate::{Later, Worker};

/// A recipient cannot be spoken to.
pub(crate) struct Unreachable(pub(crate) String);

/// A recipient cannot be spoken to now.
pub(crate) struct NotNow {
    pub(crate) later: Later,
    pub(crate) reason: String,
}

impl Worker {
    /// Creates the conversation and keeps its reference, before anything is said in it: creating may be
    /// repeated freely, saying may not.
    pub(crate) async fn create(
        &self,
        user: &User,
        job: &Job,
    ) -> Result<Result<ConversationReference, Unreachable>, NotNow> {
        let created = match self.connector.create_conversation(user).await {
            Ok(created) => created,
            Err(error) => {
                self.slow_down(&error, Some(&user.tenant)).await;
                return self.not_created(&error, job);
            }
        };
        info!(job.id = job.id.as_str(), "created a conversation");
        let Some(agent) = self.connector.agent_account(user.channel.as_str()) else {
            return Ok(Err(Unreachable("the agent has no account on this channel".to_owned())));
        };
        let reference =
            ConversationReference::created(created.conversation, created.service_url, user, agent);
        // It may be known already, by the person's other id: then more is known of it than this.
        match self.references.get(&self.references.key(&reference)).await {
            Ok(Some(known)) => return Ok(Ok(known)),
            Ok(None) => {}
            Err(error) => return Err(self.no_table(&error, job)),
        }
        let kept = self.references.upsert(&reference, Change::Keep, self.clock.now()).await;
        kept.map_err(|error| self.no_table(&error, job))?;
        Ok(Ok(reference))
    }

    pub(crate) fn no_table(&self, error: &StoreError, job: &Job) -> NotNow {
        NotNow { later: self.put_off(error, &job.id), reason: "the table did not answer".to_owned() }
    }

    fn not_created(
        &self,
        error: &ConnectorError,
        job: &Job,
    ) -> Result<Result<ConversationReference, Unreachable>, NotNow> {
        let cause = error_chain(error);
        error!(error = %cause, job.id = job.id.as_str(), "could not create a conversation");
        let backoff = Later::backoff(job.attempts, &self.random);
        if let Some(reason) = concerns_all(error) {
            return Err(NotNow { later: backoff, reason });
        }
        let put_off = |later| Err(NotNow { later, reason: error.to_string() });
        match error.retry() {
            Retry::After(wait) => put_off(Later { wait }),
            // Creating shows nothing: it is repeated until the delivery expires.
            Retry::Backoff | Retry::WithinResendBudget(_) => put_off(backoff),
            Retry::Never => Ok(Err(Unreachable(error.to_string()))),
        }
    }
}
