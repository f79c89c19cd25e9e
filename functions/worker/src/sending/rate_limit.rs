//! Pace: sends wait for their turn, so that the channel need not ask for it (protocol §2).
//! How fast is the limiter's decision; a 429 that comes all the same is the ledger's.

use std::time::Duration;

use herald::aws::table::{NotYet, Shared};
use herald::error::error_chain;
use herald::protocol::channel_error::ConnectorError;
use herald::protocol::conversation::ConversationReference;
use herald::protocol::ids::TenantId;
use herald::rate_limit;
use jiff::Timestamp;
use tracing::warn;

use crate::{Later, Worker};

/// How long a send waits for its turn in hand; for a longer wait its message goes back.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The same where other work waits behind it: the next turns of its conversation, or other tenants.
const PATIENCE_IN_ORDER: Duration = Duration::from_secs(2);

/// Nothing is closer in time than this: no clock wakes anybody for less.
const AT_ONCE: Duration = Duration::from_millis(2);

/// How long the channel's 429 pauses a tenant when it does not say.
const PAUSE: Duration = Duration::from_secs(2);

impl Worker {
    /// When each of `count` sends in a conversation may go out.
    ///
    /// One send to one person is well within what a conversation takes, and costs no write. Without a table the
    /// pace is the channel's business.
    pub(crate) async fn turns_in(
        &self,
        reference: &ConversationReference,
        count: usize,
        in_order: bool,
    ) -> Result<Vec<Timestamp>, Later> {
        let now = self.clock.now();
        if count < 2 && reference.conversation.is_personal() {
            return Ok(vec![now; count]);
        }
        let key = self.references.key(reference);
        let shared = Shared::Conversation(key.as_str());
        let patience = if in_order { PATIENCE_IN_ORDER } else { PATIENCE };
        match self.rates.reserve(shared, &rate_limit::CONVERSATION, count, now, patience).await {
            Ok(reserved) => reserved.map_err(|not_yet| later(not_yet, now)),
            Err(error) => {
                warn!(error = %error_chain(&error), "could not reserve sends in a conversation");
                Ok(vec![now; count])
            }
        }
    }

    /// When each of `count` requests of announcements to a tenant may go out; all workers share its rate.
    pub(crate) async fn turns_at(&self, tenant: &TenantId, count: usize) -> Result<Vec<Timestamp>, Later> {
        let now = self.clock.now();
        let (shared, rates) = (Shared::Tenant(tenant.as_str()), rate_limit::tenant(self.tenant_rate));
        let reserved = self.rates.reserve(shared, &rates, count, now, PATIENCE_IN_ORDER).await;
        let reserved = reserved.map_err(|error| {
            warn!(error = %error_chain(&error), "could not reserve announcements to a tenant");
            Later::backoff(3, &self.random)
        })?;
        reserved.map_err(|not_yet| later(not_yet, now))
    }

    /// Waits until `start`.
    pub(crate) async fn wait_for_turn(&self, start: Timestamp) {
        let wait = Duration::try_from(start.duration_since(self.clock.now())).unwrap_or_default();
        if wait > AT_ONCE {
            self.clock.sleep(wait).await;
        }
    }

    /// Pauses the announcements to a tenant whose channel asks to slow down; other tenants go on.
    pub(crate) async fn slow_down(&self, error: &ConnectorError, tenant: Option<&TenantId>) {
        let (ConnectorError::Throttled { retry_after }, Some(tenant)) = (error, tenant) else {
            return;
        };
        let now = self.clock.now();
        let until = now.checked_add(retry_after.unwrap_or(PAUSE)).unwrap_or(now);
        if let Err(error) = self.rates.pause(Shared::Tenant(tenant.as_str()), until).await {
            warn!(error = %error_chain(&error), "could not pause the announcements to a tenant");
        }
    }
}

pub(crate) fn later(not_yet: NotYet, now: Timestamp) -> Later {
    Later { wait: Duration::try_from(not_yet.until.duration_since(now)).unwrap_or_default() }
}
